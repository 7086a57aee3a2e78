import { expect, test, vi } from 'vitest';
import { answerIn, askRegistry } from '../../../../docker/images/registry.ts';
import { stubProgram } from '../../../helpers/stub-program.ts';

test.each([
  ['lacks', 'level=debug msg="continuing on error (errcode.Errors) manifest unknown"\nno such manifest: docker.io/x:1'],
  ['lacks', '{"message":"manifest unknown: manifest unknown"}'],
  ['lacks', 'name unknown: repository name not known to registry'],
  ['unclear', 'level=debug msg="skipping non-tls registry endpoint"\nno such manifest: 127.0.0.1:5000/redis:7'],
  ['unclear', 'level=debug msg="continuing on error (errcode.Errors) unauthorized"\nno such manifest: a/b:1'],
  ['unclear', 'denied: requested access to the resource is denied'],
  ['unclear', 'toomanyrequests: You have reached your pull rate limit'],
  ['unclear', 'received unexpected HTTP status: 503 Service Unavailable'],
  ['unclear', '{"message":"Get \\"https://registry.example.org/v2/x/manifests/1\\": unauthorized"}'],
  ['unclear', 'Head "https://registry.example.org/v2/x/manifests/1": denied'],
  ['unclear', 'Head "https://registry.example.org/v2/x/manifests/1": no basic auth credentials'],
  ['unclear', 'Get "https://registry.example.org/v2/x/manifests/1": toomanyrequests: rate limit'],
  ['none', 'error pinging v2 registry: Get "https://registry-1.docker.io/v2/": dial tcp: lookup: no such host'],
  ['unclear', '{"message":"missing or empty Content-Length header"}'],
  ['none', 'Error: no answer within 30000 ms'],
  ['none', '{"message":"Get \\"https://registry-1.docker.io/v2/\\": context deadline exceeded"}'],
])('%s: %s', (answer, complaint) => {
  expect(answerIn(complaint)).toBe(answer);
});

test('the docker client is asked for the image, with a time limit', async () => {
  stubProgram('docker', '[ "$*" = "--debug manifest inspect redis:7" ] || { echo "manifest unknown" >&2; exit 1; }');
  expect([await askRegistry('redis:7'), await askRegistry('redis:8')]).toEqual(['has', 'lacks']);
  stubProgram('docker', 'exec sleep 60');
  expect(await askRegistry('redis:7', 200)).toBe('none');
});

test('a host without docker reaches no registry', async () => {
  vi.stubEnv('PATH', '/nonexistent');
  expect(await askRegistry('redis:7')).toBe('none');
});
