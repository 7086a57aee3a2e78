import { expect, test } from 'vitest';
import { imageFindings, missingImages } from '../../../preflight/images.ts';
import { FakeDocker } from '../../helpers/fake-docker.ts';
import { shownFindings } from '../../helpers/findings.ts';

const pin = (service: 'redis' | 'gateway', file: string, reference: string) => ({ service, file, reference });

test('an image that its registry lacks, and one whose registry does not answer', () => {
  const found = imageFindings('unix:///d.sock', [
    { pin: pin('redis', 'docker/images/upstream-images.json', 'redis:7.4.7-alpine3.23'), answer: 'lacks' },
    { pin: pin('gateway', 'Dockerfile.gateway', 'golang:1.26.9-bookworm'), answer: 'none' },
  ]);
  expect(shownFindings(found, '/root').join('\n')).toMatchInlineSnapshot(`
    "E_IMAGE_TAG error: docker/images/upstream-images.json (redis): redis:7.4.7-alpine3.23 must exist in its registry (got no such tag). The deploy would fail to pull it. Name another tag in docker/images/upstream-images.json; ./gatewayctl images --check checks all.
    E_IMAGE_MISSING error: Dockerfile.gateway (gateway): golang:1.26.9-bookworm is not on the daemon, and no registry answers it (got docker at unix:///d.sock). The deploy would fail to pull it. Give the daemon access to the registry; or, on a host that has the image: docker save golang:1.26.9-bookworm | ssh <this host> docker load"
  `);
});

test('a registry that has the image or gives no clear answer is no reason to stop a deploy', () => {
  const redis = pin('redis', 'docker/images/upstream-images.json', 'registry.example.org/redis:7');
  const answers = (['has', 'unclear'] as const).map((answer) => ({ pin: redis, answer }));
  expect(imageFindings('unix:///d.sock', answers)).toEqual([]);
});

test.each([
  ['Error: No such image: ', 'of an old engine'],
  ['Error response from daemon: no such image: redis:8: No such image: ', 'of a newer client'],
])('an image is missing if docker reports it, whatever its other names (%s)', async (complaint) => {
  const present = ['docker.io/library/redis:7.4.11-alpine3.21', 'postgres:16.15-alpine3.23@sha256:ab'];
  const stdout = JSON.stringify([{ RepoTags: ['redis:7.4.11-alpine3.21', 'postgres:16.15-alpine3.23'] }]);
  const docker = new FakeDocker(() => ({ exitCode: 1, stdout, stderr: `${complaint}redis:8\n` }));
  expect(await missingImages(docker, [...present, 'redis:8'])).toEqual(['redis:8']);
});
