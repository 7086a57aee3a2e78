import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Comment {
  readonly id: number;
  readonly body: string;
  readonly user: { readonly login: string };
}

/** A stand-in for GitHub's API of comments; refuses what GitHub would refuse. */
export interface GithubApi {
  readonly url: string;
  /** Comments of the one pull request, oldest first. */
  readonly comments: Comment[];
  /** `POST /repos/...` of each request that changed something. */
  readonly changes: string[];
  stop(): Promise<void>;
}

export interface GithubApiOptions {
  readonly repository: string;
  readonly pullRequest: number;
  readonly token: string;
}

export async function serveGithubApi({ repository, pullRequest, token }: GithubApiOptions): Promise<GithubApi> {
  const comments: Comment[] = [];
  const changes: string[] = [];
  const base = `/repos/${repository}/issues`;
  const answer = async (incoming: IncomingMessage): Promise<readonly [number, unknown]> => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://localhost');
    const { headers, method } = incoming;
    if (headers.authorization !== `Bearer ${token}`) return [401, { message: 'Bad credentials' }];
    if (headers['user-agent'] === undefined) return [403, { message: 'User-Agent is needed' }];
    if (headers.accept !== 'application/vnd.github+json') return [415, { message: 'Unsupported' }];
    if (method === 'GET' && pathname === `${base}/${pullRequest}/comments`) {
      const [size, page] = [Number(searchParams.get('per_page') ?? 30), Number(searchParams.get('page') ?? 1)];
      return size > 100 ? [422, {}] : [200, comments.slice((page - 1) * size, page * size)];
    }
    const { body } = JSON.parse(await textOf(incoming)) as { body: string };
    if (typeof body !== 'string' || body === '' || body.length > 65_536) return [422, { message: 'body is too long' }];
    changes.push(`${method} ${pathname}`);
    if (method === 'POST' && pathname === `${base}/${pullRequest}/comments`) {
      comments.push({ id: comments.length + 1, body, user: { login: 'github-actions[bot]' } });
      return [201, comments.at(-1)];
    }
    const index = comments.findIndex(({ id }) => pathname === `${base}/comments/${id}`);
    const old = comments[index];
    if (method !== 'PATCH' || old === undefined) return [404, { message: 'Not Found' }];
    comments[index] = { ...old, body };
    return [200, comments[index]];
  };
  const server = createServer((incoming, outgoing) => {
    void answer(incoming).then(([status, value]) => {
      outgoing.writeHead(status, { 'content-type': 'application/json' });
      outgoing.end(JSON.stringify(value));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    comments,
    changes,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
