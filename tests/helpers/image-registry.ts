import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

const index = JSON.stringify({
  schemaVersion: 2,
  mediaType: 'application/vnd.docker.distribution.manifest.list.v2+json',
  manifests: [],
});
const digest = `sha256:${createHash('sha256').update(index).digest('hex')}`;

/** What a registry answers: whether it has a tag, or a status that is neither. */
export type TagAnswer = 'has' | 'lacks' | 401 | 429 | 503;

/**
 * An image registry on a free port of loopback, where Docker uses plain HTTP, for the length of a test. It has manifests
 * of images and no layers.
 * @returns its `127.0.0.1:<port>`
 */
export async function serveRegistry(answerOf: (tag: string) => TagAnswer): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const [, tag = ''] = /^\/v2\/.+\/manifests\/(.+)$/.exec(url) ?? [];
    const answer = url === '/v2/' || tag === digest ? 'has' : answerOf(tag);
    const status = answer === 'has' ? 200 : answer === 'lacks' ? 404 : answer;
    const codes: Readonly<Record<number, string>> = {
      401: 'UNAUTHORIZED',
      404: 'MANIFEST_UNKNOWN',
      429: 'TOOMANYREQUESTS',
    };
    const code = codes[status];
    const body =
      status === 200 ? index : JSON.stringify({ errors: code === undefined ? [] : [{ code, message: code }] });
    response.writeHead(status, {
      'content-length': body.length,
      'content-type': status === 200 ? 'application/vnd.docker.distribution.manifest.list.v2+json' : 'application/json',
      'docker-content-digest': digest,
      'docker-distribution-api-version': 'registry/2.0',
    });
    response.end(body);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
