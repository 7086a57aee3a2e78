import { createHash } from 'node:crypto';
import { createWriteStream, existsSync, mkdirSync, openAsBlob } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';

const connectTimeoutMs = 5_000;
const stallTimeoutMs = 30_000;

/** A file could not be fetched; `isHostDown` if its host did not answer. */
export class Unavailable extends Error {
  readonly isHostDown: boolean;

  constructor(message: string, isHostDown: boolean) {
    super(message);
    this.isHostDown = isHostDown;
  }
}

/**
 * Downloads a URL (http, https or file) to a file.
 * @returns its checksum in hexadecimal digits
 * @throws Unavailable
 */
export async function fetchFile(
  url: string,
  file: string,
  { get, algorithm = 'sha256', onMebibytes = () => {} }: FetchOptions,
): Promise<string> {
  const response = await open(get, url);
  if (response.body === null) throw new Unavailable('empty answer', false);
  const hash = createHash(algorithm);
  const stall = new AbortController();
  const onStall = () => stall.abort();
  let timer = setTimeout(onStall, stallTimeoutMs);
  let size = 0;
  const count = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      clearTimeout(timer);
      timer = setTimeout(onStall, stallTimeoutMs);
      size += chunk.length;
      hash.update(chunk);
      onMebibytes(Math.round(size / 2 ** 20));
      yield chunk;
    }
  };
  mkdirSync(dirname(file), { recursive: true });
  try {
    await pipeline(Readable.fromWeb(response.body), count, createWriteStream(file), { signal: stall.signal });
  } catch (error) {
    const reason = stall.signal.aborted ? `no data for ${stallTimeoutMs / 1000} s` : reasonOf(error);
    throw new Unavailable(`broke off after ${size} bytes (${reason})`, false);
  } finally {
    clearTimeout(timer);
  }
  return hash.digest('hex');
}

interface FetchOptions {
  readonly get: typeof fetch;
  /** As `node:crypto` names it; default `sha256`. */
  readonly algorithm?: string;
  readonly onMebibytes?: (mib: number) => void;
}

async function open(get: typeof fetch, url: string): Promise<Response> {
  if (url.startsWith('file:')) return openLocal(fileURLToPath(url));
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), connectTimeoutMs);
  try {
    const response = await get(url, { signal: timeout.signal });
    if (response.ok) return response;
    throw new Unavailable(`HTTP ${response.status}`, false);
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    if (timeout.signal.aborted) throw new Unavailable(`no answer within ${connectTimeoutMs / 1000} s`, true);
    throw new Unavailable(reasonOf(error), true);
  } finally {
    clearTimeout(timer);
  }
}

async function openLocal(path: string): Promise<Response> {
  if (!existsSync(path)) throw new Unavailable('is not there', false);
  return new Response(await openAsBlob(path));
}

/** `fetch failed` explains nothing; its cause does. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof Error) return (cause as NodeJS.ErrnoException).code ?? cause.message;
  return String(cause);
}
