import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ownEnvironment } from '../../host/environment.ts';
import { UserError } from '../../host/errors.ts';
import type { Progress } from '../../host/output.ts';
import { run } from '../../host/process.ts';
import { fetchFile, Unavailable } from './fetch-file.ts';
import type { Algorithm, Platform, Unit } from './parts.ts';
import { type Attempt, putInPlace } from './sources.ts';

const memoryMs = 3_600_000;

export interface DownloadOptions {
  readonly platform: Platform;
  /** Gets the unit's programs. */
  readonly stagingDir: string;
  /** Remembers for an hour which hosts could not be reached. */
  readonly memoryFile: string;
  readonly progress: Progress;
  /** URL of a mirror or a directory that holds the release's files by their names; default: Pulumi's own sites. */
  readonly base?: string | undefined;
  readonly fetch?: typeof fetch;
  readonly now?: () => number;
}

/**
 * Downloads a unit's official release and checks its archive against the release's own list of checksums, and that
 * list against the pinned checksum, if there is one.
 * @throws UserError E_CHECKSUM if one of them differs
 */
export async function download(unit: Unit, options: DownloadOptions): Promise<Attempt> {
  const { platform, stagingDir, memoryFile, progress, base, fetch: get = fetch, now = Date.now } = options;
  const { release } = unit;
  const locate = (url: string) => (base === undefined ? url : `${base}/${basename(url)}`);
  const archiveUrl = locate(release.archiveUrl(platform));
  const listUrl = locate(release.checksumsUrl);
  const { host } = new URL(archiveUrl);
  const memory = readMemory(memoryFile);
  const known = memory[host];
  if (known !== undefined && now() - known.atMs < memoryMs) {
    return { problem: `${host} could not be reached within the last hour (${known.reason})` };
  }
  if (host !== '') progress.step(`toolchain: looking for the official ${unit.name} ${unit.version} at ${host}`);
  const archive = join(stagingDir, basename(archiveUrl));
  const list = `${archive}.checksums`;
  try {
    try {
      await fetchFile(listUrl, list, { get });
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      if (!error.isHostDown) return { problem: `${listUrl}: ${error.message}` };
      remember(memoryFile, { ...memory, [host]: { atMs: now(), reason: error.message } });
      return { problem: `${host} cannot be reached (${error.message})` };
    }
    const listed = checksumOf(readFileSync(list, 'utf8'), basename(archive), release.algorithms);
    if (listed === undefined) {
      const algorithms = release.algorithms.map((each) => algorithmNames[each]).join(' or ');
      return { problem: `${listUrl} does not list ${basename(archive)} with ${algorithms}` };
    }
    const { algorithm, checksum } = listed;
    const pinned = release.sha256?.[`${platform.os}-${platform.arch}`];
    if (pinned !== undefined && checksum !== pinned) {
      throw wrongChecksum(unit, listUrl, `SHA-256 of ${basename(archive)} must be ${pinned} (got ${checksum})`);
    }
    try {
      const onMebibytes = (mib: number) => progress.tick(`toolchain: downloading ${unit.name}, ${mib} MiB`);
      const got = await fetchFile(archiveUrl, archive, { get, algorithm, onMebibytes });
      if (got !== checksum) {
        const rule = `${algorithmNames[algorithm]} must be ${checksum}, as ${listUrl} says (got ${got})`;
        throw wrongChecksum(unit, archiveUrl, rule);
      }
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return { problem: `${archiveUrl}: ${error.message}` };
    }
    await unpack(unit, archive, stagingDir);
    const source = `${archiveUrl}, ${algorithmNames[algorithm]} verified`;
    progress.done(`toolchain: ${unit.name} ${unit.version} from ${source}`);
    return { parts: unit.parts.map(() => ({ version: unit.version, origin: 'official', source })) };
  } finally {
    // Nothing of a failed download may get into the toolchain.
    for (const file of [archive, list]) rmSync(file, { force: true });
  }
}

/**
 * `TAXLIEN_GATEWAY_MIRROR` without a slash at its end; undefined if it is not set.
 * @throws UserError E_MIRROR
 */
export function mirrorUrl(env: NodeJS.ProcessEnv = ownEnvironment): string | undefined {
  const given = env.TAXLIEN_GATEWAY_MIRROR ?? '';
  if (given === '') return undefined;
  const url = URL.parse(given);
  if (url !== null && /^(https?|file):$/.test(url.protocol) && url.username === '') return given.replace(/\/+$/, '');
  throw new UserError(
    'E_MIRROR',
    `TAXLIEN_GATEWAY_MIRROR: must be a URL of http, https or file, without a user (got ${given.replace(/\/\/.*@/, '//***@')})`,
    "Set it to the URL of the directory with the files of Pulumi's releases, e.g. https://mirror.example.org/pulumi.",
  );
}

const algorithmNames: Readonly<Record<Algorithm, string>> = { sha1: 'SHA-1', sha256: 'SHA-256' };
const algorithmsByDigits: Readonly<Record<number, Algorithm>> = { 40: 'sha1', 64: 'sha256' };

/** The checksum of a file in a list in the format of `sha256sum` or `shasum`, by one of these algorithms. */
export function checksumOf(
  list: string,
  fileName: string,
  algorithms: readonly Algorithm[],
): { readonly algorithm: Algorithm; readonly checksum: string } | undefined {
  for (const line of list.split('\n')) {
    const [, checksum = '', name] = /^([0-9a-f]+) [ *](?:\.\/)?(.+?)\s*$/i.exec(line) ?? [];
    const algorithm = algorithmsByDigits[checksum.length];
    if (name === fileName && algorithm !== undefined && algorithms.includes(algorithm)) {
      return { algorithm, checksum: checksum.toLowerCase() };
    }
  }
  return undefined;
}

async function unpack(unit: Unit, archive: string, stagingDir: string): Promise<void> {
  const unpacked = `${archive}.d`;
  mkdirSync(unpacked, { recursive: true });
  await run(['tar', '-xzf', archive, '-C', unpacked]);
  for (const part of unit.parts) {
    putInPlace(join(unpacked, unit.release.folder, part.program), join(stagingDir, part.file));
  }
  rmSync(unpacked, { recursive: true });
}

function wrongChecksum({ release }: Unit, url: string, rule: string): UserError {
  return new UserError(
    'E_CHECKSUM',
    `${url}: ${rule}`,
    `This is not what Pulumi published, or it was changed in transit. Download it again from ${dirname(release.checksumsUrl)}; if it still differs, use another network.`,
  );
}

type Memory = Readonly<Record<string, { readonly atMs: number; readonly reason: string }>>;

function readMemory(file: string): Memory {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Memory;
  } catch {
    // Only a cache: if it is missing or broken, the hosts are tried again.
    return {};
  }
}

function remember(file: string, memory: Memory): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(memory));
}
