import { createServer, type IncomingMessage, request } from 'node:http';

/** What an answer of the daemon says otherwise: part of a JSON object, for paths that end in `/version` or `/info`. */
export interface Altered {
  readonly version?: Readonly<Record<string, unknown>>;
  readonly info?: Readonly<Record<string, unknown>>;
}

/**
 * A stand-in for a daemon that this host cannot have: hands all requests to the real one, and alters two answers.
 * @param socket path of the real daemon's socket
 * @param at path of the socket to serve on
 */
export async function serveAlteredDaemon(socket: string, at: string, altered: Altered): Promise<() => Promise<void>> {
  const server = createServer((incoming, outgoing) => {
    const change = incoming.url?.endsWith('/version')
      ? altered.version
      : incoming.url?.endsWith('/info')
        ? altered.info
        : undefined;
    const { method, url: path, headers } = incoming;
    const forwarded = request({ socketPath: socket, method, path, headers }, (answer) => {
      if (change === undefined) {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
        return;
      }
      void textOf(answer).then((text) => {
        outgoing.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' });
        outgoing.end(JSON.stringify({ ...(JSON.parse(text) as object), ...change }));
      });
    });
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => void server.listen(at, resolve));
  return () =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
