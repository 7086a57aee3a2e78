import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../../host/errors.ts';
import { withLock } from '../../host/lock.ts';
import type { Progress } from '../../host/output.ts';
import { deleteUnused, markUsed } from '../unused.ts';
import { download } from './download.ts';
import { takeInstalled } from './found.ts';
import { buildFromGo } from './go-build.ts';
import { isBuilt, toolchainKeys } from './keys.ts';
import { type InstalledPart, type PartName, platformOf, type Unit, units } from './parts.ts';
import type { Way } from './sources.ts';

export interface Toolchain {
  /** Holds `pulumi` and `pulumi-language-nodejs`. */
  readonly binDir: string;
  /** PULUMI_HOME, with the plugins in it. */
  readonly pulumiHome: string;
  readonly parts: Readonly<Record<PartName, InstalledPart>>;
}

const stampName = 'toolchain.json';
const stagingPrefix = '.new-';
const moduleRoot = import.meta.dirname;
const platform = platformOf(process.platform, process.arch);
const rootOf = (cacheDir: string) => join(cacheDir, 'toolchain');

/** The toolchain of this version that is in the cache, an official one before a built one. Changes nothing. */
export function presentToolchain(cacheDir: string): Toolchain | undefined {
  const { official, built } = toolchainKeys(moduleRoot, platform);
  return readToolchain(join(rootOf(cacheDir), official)) ?? readToolchain(join(rootOf(cacheDir), built));
}

/**
 * Installs the pinned Pulumi engine, Node host and plugins into the user's cache: what is installed, else the official
 * release, else a build from Go modules. Once there, it only reads one file.
 * @throws UserError E_TOOLCHAIN when no way leads to a part
 */
export async function ensureToolchain(options: {
  readonly cacheDir: string;
  readonly progress: Progress;
}): Promise<Toolchain> {
  const { cacheDir, progress } = options;
  const root = rootOf(cacheDir);
  const ready = presentToolchain(cacheDir);
  if (ready !== undefined) {
    markUsed(dirname(ready.binDir), Date.now());
    return ready;
  }
  return withLock(join(root, 'lock'), { describe: 'toolchain', progress }, async () => {
    const madeMeanwhile = presentToolchain(cacheDir);
    if (madeMeanwhile !== undefined) return madeMeanwhile;
    removeLeftOvers(root);
    const stagingDir = mkdtempSync(join(root, stagingPrefix));
    chmodSync(stagingDir, 0o755);
    const ways: readonly Way[] = [
      { name: 'installed', isTold: false, attempt: (unit) => takeInstalled(unit, stagingDir) },
      {
        name: 'official release',
        isTold: true,
        attempt: (unit) =>
          download(unit, { platform, stagingDir, memoryFile: join(root, 'unreachable.json'), progress }),
      },
      { name: 'Go build', isTold: true, attempt: (unit) => buildFromGo(unit, { moduleRoot, stagingDir, progress }) },
    ];
    const parts: Record<string, InstalledPart> = {};
    for (const unit of units) Object.assign(parts, await bring(unit, ways, progress));
    const keys = toolchainKeys(moduleRoot, platform);
    const dir = join(root, isBuilt(Object.values(parts)) ? keys.built : keys.official);
    writeFileSync(join(stagingDir, stampName), JSON.stringify(parts));
    // Without a stamp it is no toolchain, but a directory of that name would be in the way.
    rmSync(dir, { recursive: true, force: true });
    renameSync(stagingDir, dir);
    return toolchainIn(dir, parts as Toolchain['parts']);
  });
}

/**
 * Tries the ways one after the other.
 * @throws UserError E_TOOLCHAIN with the problem of each way
 */
export async function bring(
  unit: Unit,
  ways: readonly Way[],
  progress: Progress,
): Promise<Readonly<Record<string, InstalledPart>>> {
  const problems: string[] = [];
  for (const { name, isTold, attempt } of ways) {
    const result = await attempt(unit);
    if ('parts' in result) {
      return Object.fromEntries(result.parts.map((part, index) => [unit.parts[index]?.name, { ...part, problems }]));
    }
    problems.push(`${name}: ${result.problem}`);
    if (isTold) progress.step(`toolchain: ${unit.name} ${unit.version}: no ${name}: ${result.problem}`);
  }
  throw new UserError(
    'E_TOOLCHAIN',
    [`${unit.name} ${unit.version}: cannot be brought`, ...problems.map((problem) => `  ${problem}`)].join('\n'),
    `Install Pulumi ${unit.version} so that it is on PATH, or open the way to its release, or install Go 1.26.`,
  );
}

function readToolchain(dir: string): Toolchain | undefined {
  try {
    return toolchainIn(dir, JSON.parse(readFileSync(join(dir, stampName), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function toolchainIn(dir: string, parts: Toolchain['parts']): Toolchain {
  return { binDir: join(dir, 'bin'), pulumiHome: join(dir, 'home'), parts };
}

/** Under the lock nobody else is building: what lies here was left by a killed build, or by versions of long ago. */
function removeLeftOvers(root: string): void {
  mkdirSync(root, { recursive: true });
  for (const name of readdirSync(root)) {
    if (name.startsWith(stagingPrefix)) rmSync(join(root, name), { recursive: true, force: true });
  }
  deleteUnused(root, Date.now());
}
