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
import { join } from 'node:path';
import { UserError } from '../../host/errors.ts';
import { withLock } from '../../host/lock.ts';
import type { Progress } from '../../host/output.ts';
import { deleteUnused, markUsed } from '../unused.ts';
import { download } from './download.ts';
import { takeInstalled } from './found.ts';
import { buildFromGo } from './go-build.ts';
import { type Origin, type PartName, platformOf, toolchainKey, type Unit, units } from './parts.ts';
import type { Attempt } from './sources.ts';

export interface Toolchain {
  /** Holds `pulumi` and `pulumi-language-nodejs`. */
  readonly binDir: string;
  /** PULUMI_HOME, with the plugins in it. */
  readonly pulumiHome: string;
  readonly origin: Readonly<Record<PartName, Origin>>;
}

/** The ways to a unit's programs, in the order in which they are tried. */
export interface Way {
  readonly name: string;
  readonly attempt: (unit: Unit) => Promise<Attempt>;
}

const stampName = 'toolchain.json';
const stagingPrefix = '.new-';

/**
 * Brings the pinned Pulumi engine, Node host and plugins into the user's cache: what is installed, else the official
 * release, else a build from Go modules. Once there, it only reads one file.
 * @throws UserError E_TOOLCHAIN when no way leads to a part
 */
export async function ensureToolchain(options: {
  readonly cacheDir: string;
  readonly progress: Progress;
}): Promise<Toolchain> {
  const { cacheDir, progress } = options;
  const moduleRoot = import.meta.dirname;
  const platform = platformOf(process.platform, process.arch);
  const root = join(cacheDir, 'toolchain');
  const dir = join(root, toolchainKey(moduleRoot, platform));
  const ready = readToolchain(dir);
  if (ready !== undefined) {
    markUsed(dir, Date.now());
    return ready;
  }
  return withLock(join(root, 'lock'), { describe: 'toolchain', progress }, async () => {
    const madeMeanwhile = readToolchain(dir);
    if (madeMeanwhile !== undefined) return madeMeanwhile;
    removeLeftOvers(root);
    const stagingDir = mkdtempSync(join(root, stagingPrefix));
    chmodSync(stagingDir, 0o755);
    const ways: readonly Way[] = [
      { name: 'installed', attempt: (unit) => takeInstalled(unit, stagingDir) },
      {
        name: 'official release',
        attempt: (unit) =>
          download(unit, { platform, stagingDir, memoryFile: join(root, 'unreachable.json'), progress }),
      },
      { name: 'Go build', attempt: (unit) => buildFromGo(unit, { moduleRoot, stagingDir, progress }) },
    ];
    const origin: Record<string, Origin> = {};
    for (const unit of units) Object.assign(origin, await bring(unit, ways, progress));
    writeFileSync(join(stagingDir, stampName), JSON.stringify(origin));
    // Without a stamp it is no toolchain, but a directory of that name would be in the way.
    rmSync(dir, { recursive: true, force: true });
    renameSync(stagingDir, dir);
    return toolchainIn(dir, origin as Toolchain['origin']);
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
): Promise<Readonly<Record<string, Origin>>> {
  const problems: string[] = [];
  for (const { name, attempt } of ways) {
    const result = await attempt(unit);
    if ('origins' in result) {
      return Object.fromEntries(
        unit.parts.map((part, index) => [part.name, withReasons(result.origins[index], problems)]),
      );
    }
    problems.push(`${name}: ${result.problem}`);
    if (name !== 'installed') progress.step(`toolchain: ${unit.name} ${unit.version}: no ${name}: ${result.problem}`);
  }
  throw new UserError(
    'E_TOOLCHAIN',
    [`${unit.name} ${unit.version}: cannot be brought`, ...problems.map((problem) => `  ${problem}`)].join('\n'),
    `Install Pulumi ${unit.version} so that it is on PATH, or open the way to its release, or install Go 1.26.`,
  );
}

function withReasons(origin: Origin | undefined, problems: readonly string[]): Origin {
  if (origin === undefined) throw new TypeError('a way gave fewer origins than the unit has parts');
  return problems.length === 0 ? origin : { ...origin, why: `${origin.why} (${problems.join('; ')})` };
}

function readToolchain(dir: string): Toolchain | undefined {
  try {
    return toolchainIn(dir, JSON.parse(readFileSync(join(dir, stampName), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function toolchainIn(dir: string, origin: Toolchain['origin']): Toolchain {
  return { binDir: join(dir, 'bin'), pulumiHome: join(dir, 'home'), origin };
}

/** Under the lock nobody else is building: what lies here was left by a killed build, or by versions of long ago. */
function removeLeftOvers(root: string): void {
  mkdirSync(root, { recursive: true });
  for (const name of readdirSync(root)) {
    if (name.startsWith(stagingPrefix)) rmSync(join(root, name), { recursive: true, force: true });
  }
  deleteUnused(root, Date.now());
}
