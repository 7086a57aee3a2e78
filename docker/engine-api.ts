import http from 'node:http';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../host/errors.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One request to an engine's API over its socket. */
function request(
  socket: string,
  method: string,
  path: string,
  timeoutMs: number,
  body?: Iterable<unknown> | AsyncIterable<unknown>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/x-tar' };
    const call = http.request({ socketPath: socket, method, path, headers, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    });
    call.on('timeout', () => call.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    call.on('error', reject);
    if (body === undefined) call.end();
    else pipeline(body, call).catch(reject);
  });
}

export async function ping(socket: string): Promise<boolean> {
  try {
    return (await request(socket, 'GET', '/_ping', 2_000)).status === 200;
  } catch {
    return false;
  }
}

export interface EngineImage {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** @returns undefined if the engine has no such image */
export async function findImage(socket: string, reference: string): Promise<EngineImage | undefined> {
  const answer = await request(socket, 'GET', `/images/${reference}/json`, 10_000);
  if (answer.status === 404) return undefined;
  const image = JSON.parse(answer.body) as { Id: string; Config: { Labels: Record<string, string> | null } };
  return { id: image.Id, labels: image.Config.Labels ?? {} };
}

/** The registry's error for an image, as the engine reports it; undefined if the image exists. */
export async function registryComplaint(socket: string, reference: string): Promise<string | undefined> {
  const { status, body } = await request(socket, 'GET', `/distribution/${reference}/json`, 30_000);
  return status === 200 ? undefined : body;
}

/** Names and tags of all images. */
export async function imageReferences(socket: string): Promise<string[]> {
  const answer = await request(socket, 'GET', '/images/json', 10_000);
  return (JSON.parse(answer.body) as { RepoTags: string[] | null }[]).flatMap((image) => image.RepoTags ?? []);
}

/** Loads an archive of images created from `source`. @throws UserError E_IMAGE_LOAD with the engine's error */
export async function loadImages(socket: string, archive: AsyncIterable<unknown>, source: string): Promise<void> {
  const answer = await request(socket, 'POST', '/images/load?quiet=1', 300_000, archive);
  // The status is sent before the work is done: a failure comes as a line of the body.
  const failure = answer.body.split('\n').find((line) => line.includes('"error"'));
  if (answer.status === 200 && failure === undefined) return;
  throw new UserError(
    'E_IMAGE_LOAD',
    `stand-in images: the engine at ${socket} did not load them (got ${answer.status}: ${failure ?? answer.body.trim()})`,
    `Delete ${source} and run this again: they are built again.`,
  );
}

/**
 * Runs a build with BuildKit from an archive of its context. A successful build creates an untagged image, because newer
 * engines require an output.
 * @param options of the API's `POST /build`
 * @returns the engine's answer, one JSON document on each line, also of a failed build
 */
export async function build(
  socket: string,
  options: Readonly<Record<string, string>>,
  context: Buffer,
): Promise<string> {
  const query = new URLSearchParams({ ...options, version: '2' });
  return (await request(socket, 'POST', `/build?${query}`, 300_000, [context])).body;
}
