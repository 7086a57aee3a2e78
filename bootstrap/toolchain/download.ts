import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../../host/errors.ts';
import type { Progress } from '../../host/output.ts';
import { run } from '../../host/process.ts';
import type { Platform, Unit } from './parts.ts';
import { type Attempt, putInPlace } from './sources.ts';

const connectTimeoutMs = 5_000;
const stallTimeoutMs = 30_000;
const memoryMs = 3_600_000;

export interface DownloadOptions {
  readonly platform: Platform;
  /** Where the unit's programs go. */
  readonly stagingDir: string;
  /** Remembers for an hour which hosts could not be reached. */
  readonly memoryFile: string;
  readonly progress: Progress;
  readonly fetch?: typeof fetch;
  readonly now?: () => number;
}

/**
 * Downloads a unit's official release and checks it against the release's own list of checksums.
 * @throws UserError E_CHECKSUM when the archive is not the one that the list names
 */
export async function download(unit: Unit, options: DownloadOptions): Promise<Attempt> {
  const { platform, stagingDir, memoryFile, progress, fetch: get = fetch, now = Date.now } = options;
  const archiveUrl = unit.release.archiveUrl(platform);
  const { host } = new URL(archiveUrl);
  const memory = readMemory(memoryFile);
  const known = memory[host];
  if (known !== undefined && now() - known.atMs < memoryMs) {
    return { problem: `${host} could not be reached within the last hour (${known.reason})` };
  }
  progress.step(`toolchain: looking for the official ${unit.name} ${unit.version} at ${host}`);
  let checksums: string;
  try {
    checksums = await (await open(get, unit.release.checksumsUrl)).text();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    if (!error.isHostDown) return { problem: `${unit.release.checksumsUrl}: ${error.message}` };
    remember(memoryFile, { ...memory, [host]: { atMs: now(), reason: error.message } });
    return { problem: `${host} cannot be reached (${error.message})` };
  }
  const archive = join(stagingDir, basename(new URL(archiveUrl).pathname));
  const expected = checksumOf(checksums, basename(archive));
  if (expected === undefined) {
    return { problem: `${unit.release.checksumsUrl} does not list ${basename(archive)}` };
  }
  try {
    const got = await save(await open(get, archiveUrl), archive, (mib) =>
      progress.tick(`toolchain: downloading ${unit.name}, ${mib} MiB`),
    );
    if (got !== expected) throw wrongChecksum(archiveUrl, unit.release.checksumsUrl, got, expected);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { problem: `${archiveUrl}: ${error.message}` };
  }
  const unpacked = `${archive}.d`;
  mkdirSync(unpacked, { recursive: true });
  await run(['tar', '-xzf', archive, '-C', unpacked]);
  for (const part of unit.parts) {
    putInPlace(join(unpacked, unit.release.folder, part.program), join(stagingDir, part.file));
  }
  rmSync(unpacked, { recursive: true });
  rmSync(archive);
  progress.done(`toolchain: ${unit.name} ${unit.version} downloaded, SHA-256 verified`);
  const source = `${archiveUrl}, SHA-256 verified`;
  return { parts: unit.parts.map(() => ({ version: unit.version, origin: 'official', source })) };
}

/** The SHA-256 that a list in the format of `sha256sum` gives for a file. */
export function checksumOf(list: string, fileName: string): string | undefined {
  for (const line of list.split('\n')) {
    const match = /^([0-9a-f]{64}) [ *](?:\.\/)?(.+?)\s*$/i.exec(line);
    if (match?.[2] === fileName) return match[1]?.toLowerCase();
  }
  return undefined;
}

class Unavailable extends Error {
  readonly isHostDown: boolean;

  constructor(message: string, isHostDown: boolean) {
    super(message);
    this.isHostDown = isHostDown;
  }
}

async function open(get: typeof fetch, url: string): Promise<Response> {
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

/** `fetch failed` tells nothing; what does is in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof Error) return (cause as NodeJS.ErrnoException).code ?? cause.message;
  return String(cause);
}

async function save(response: Response, file: string, onMebibytes: (mib: number) => void): Promise<string> {
  if (response.body === null) throw new Unavailable('empty answer', false);
  const hash = createHash('sha256');
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
    const reason = stall.signal.aborted ? `nothing for ${stallTimeoutMs / 1000} s` : reasonOf(error);
    throw new Unavailable(`broke off after ${size} bytes (${reason})`, false);
  } finally {
    clearTimeout(timer);
  }
  return hash.digest('hex');
}

function wrongChecksum(url: string, list: string, got: string, expected: string): UserError {
  return new UserError(
    'E_CHECKSUM',
    `${url}: SHA-256 must be ${expected}, as ${list} says (got ${got})`,
    'Something between here and the release changes downloads. Try again on another network.',
  );
}

type Memory = Readonly<Record<string, { readonly atMs: number; readonly reason: string }>>;

function readMemory(file: string): Memory {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Memory;
  } catch {
    // Only a memory: without it, or with a broken one, the hosts are asked again.
    return {};
  }
}

function remember(file: string, memory: Memory): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(memory));
}
