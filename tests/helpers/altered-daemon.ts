import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

/** What an answer of the daemon says otherwise: part of a JSON object, for paths that end in `/version` or `/info`. */
export interface Altered {
  readonly version?: Readonly<Record<string, unknown>>;
  readonly info?: Readonly<Record<string, unknown>>;
  /** Whether it behaves, in what a deploy meets, as Docker 26 to 29 do. */
  readonly isNewer?: boolean;
}

export interface AlteredDaemon {
  readonly socket: string;
  /** Its address, as DOCKER_HOST takes it. */
  readonly dockerHost: string;
  stop(): Promise<void>;
}

/** The least API that an altered daemon takes which behaves like a newer one. */
const leastApi = '1.44';

/**
 * A stand-in for a daemon that this host cannot have: hands all requests to the real one, and alters some answers. As a
 * newer one, it refuses APIs below 1.44 to all but the docker client, which is as old as the real daemon here; names the
 * network mode of a container that has none "bridge"; lists untagged images only to those that ask for all; and refuses
 * the `cacheonly` exporter.
 */
export async function serveAlteredDaemon(altered: Altered): Promise<AlteredDaemon> {
  const socket = (process.env.DOCKER_HOST ?? '').replace('unix://', '');
  const dir = mkdtempSync('/var/tmp/taxlien-gateway-daemon-');
  const at = join(dir, 'docker.sock');
  const server = createServer((incoming, outgoing) => {
    const url = incoming.url ?? '';
    if (altered.isNewer && refuse(incoming, outgoing)) return;
    const change = changeOf(url, altered);
    const { method, headers } = incoming;
    const forwarded = request({ socketPath: socket, method, path: realPath(url), headers }, (answer) => {
      if (change === undefined || answer.statusCode !== 200) {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        // A client that waits for a container starts it only when it has these.
        outgoing.flushHeaders();
        answer.pipe(outgoing);
        return;
      }
      void textOf(answer).then((text) => {
        outgoing.writeHead(200, { 'content-type': 'application/json' });
        outgoing.end(JSON.stringify(change(JSON.parse(text) as never)));
      });
    });
    forwarded.on('error', () => outgoing.destroy());
    incoming.pipe(forwarded);
  });
  // A build that takes long, or a container that is waited for, is no dead request.
  server.requestTimeout = 0;
  // Attached streams and build sessions, which are no longer the server's to close.
  const upgraded = new Set<Duplex>();
  server.on('upgrade', (incoming, client, head) => {
    upgraded.add(client.on('close', () => upgraded.delete(client)));
    handOver(socket, incoming, client, head);
  });
  await new Promise<void>((resolve) => void server.listen(at, resolve));
  const stop = async () => {
    for (const client of upgraded) client.destroy();
    server.closeAllConnections();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
    rmSync(dir, { recursive: true });
  };
  return { socket: at, dockerHost: `unix://${at}`, stop };
}

/** The real daemon knows no newer API than its own. */
const realPath = (url: string) => url.replace(`/v${leastApi}/`, '/v1.41/');

/** Answers what a newer daemon refuses. */
function refuse({ url = '', headers }: IncomingMessage, outgoing: ServerResponse): boolean {
  const [, minor] = /^\/v1\.(\d+)\//.exec(url) ?? [];
  const isClient = headers['user-agent']?.startsWith('Docker-Client/') === true;
  if (minor !== undefined && Number(minor) < Number(leastApi.slice(2)) && !isClient) {
    const message = `client version 1.${minor} is too old. Minimum supported API version is ${leastApi}, please upgrade your client to a newer version`;
    outgoing.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ message }));
    return true;
  }
  if (!/^(\/v[\d.]+)?\/build\?.*cacheonly/.test(url)) return false;
  const error = 'exporter "cacheonly" could not be found';
  outgoing.writeHead(200, { 'content-type': 'application/json' });
  outgoing.end(`${JSON.stringify({ errorDetail: { message: error }, error })}\r\n`);
  return true;
}

/** How the body of an answer is changed; undefined where it is not. */
function changeOf(url: string, { version, info, isNewer }: Altered): ((body: never) => unknown) | undefined {
  const added = url.endsWith('/version') ? version : url.endsWith('/info') ? info : undefined;
  if (added !== undefined) return (body: object) => ({ ...body, ...added });
  if (!isNewer) return undefined;
  if (url.endsWith('/version')) return (body: object) => ({ ...body, ApiVersion: '1.52', MinAPIVersion: leastApi });
  if (/\/containers\/[^/]+\/json$/.test(url)) return withBridge;
  if (/\/images\/json(\?|$)/.test(url) && !/[?&]all=(1|true)/.test(url)) return withTags;
  return undefined;
}

const withBridge = ({ HostConfig, ...rest }: { readonly HostConfig: { readonly NetworkMode: string } }) => ({
  ...rest,
  HostConfig: { ...HostConfig, NetworkMode: HostConfig.NetworkMode === 'default' ? 'bridge' : HostConfig.NetworkMode },
});

const withTags = (images: readonly { readonly RepoTags: readonly string[] | null }[]) =>
  images.filter(({ RepoTags }) => (RepoTags ?? []).some((tag) => tag !== '<none>:<none>'));

/** Hands a connection that leaves HTTP to the real daemon, with the request by which it does. */
function handOver(socket: string, { method, url = '', rawHeaders }: IncomingMessage, client: Duplex, head: Buffer) {
  const daemon = connect(socket);
  const lines = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1]}`] : []));
  daemon.write([`${method} ${realPath(url)} HTTP/1.1`, ...lines, '', ''].join('\r\n'));
  daemon.write(head);
  daemon.pipe(client).pipe(daemon);
  for (const [end, other] of [
    [daemon, client],
    [client, daemon],
  ] as const)
    end.on('error', () => other.destroy());
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
