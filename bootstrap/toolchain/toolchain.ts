import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { withLock } from '../../host/lock.ts';
import type { Progress } from '../../host/output.ts';
import { readJson, writeWhole } from '../../host/whole-file.ts';
import { deleteUnused, markUsed } from '../unused.ts';
import { download, mirrorUrl } from './download.ts';
import { takeInstalled } from './found.ts';
import { buildFromGo } from './go-build.ts';
import { isBuilt, stampName, toolchainKeys } from './keys.ts';
import { type InstalledPart, type PartName, units as pinnedUnits, platformOf, type Unit } from './parts.ts';
import { type Attempt, cannotInstall, obtain, putInPlace, type Way } from './sources.ts';

export interface Toolchain {
  /** Holds `pulumi` and `pulumi-language-nodejs`. */
  readonly binDir: string;
  /** PULUMI_HOME, with the plugins in it. */
  readonly pulumiHome: string;
  readonly parts: Readonly<Record<PartName, InstalledPart>>;
}

export interface EnsureOptions {
  readonly cacheDir: string;
  readonly progress: Progress;
  /** Whether each part is fetched again; what cannot be fetched is kept. */
  readonly isRenewal?: boolean;
  /** What is pinned; default: this project's. */
  readonly units?: readonly Unit[];
}

const moduleRoot = import.meta.dirname;
const platform = platformOf(process.platform, process.arch);
const rootOf = (cacheDir: string) => join(cacheDir, 'toolchain');
const draftPrefix = '.new-';

/** The toolchain of this version in the cache, an official one before a built one; changes nothing. */
export function presentToolchain(cacheDir: string): Toolchain | undefined {
  const { official, built } = toolchainKeys(moduleRoot, platform);
  return readToolchain(join(rootOf(cacheDir), official)) ?? readToolchain(join(rootOf(cacheDir), built));
}

/**
 * Puts the pinned Pulumi engine, Node host and plugins into the user's cache: what is installed, else the official
 * release, else a build from Go modules. Once there, it only reads one file.
 * @throws UserError E_TOOLCHAIN when no way leads to a part
 */
export async function ensureToolchain(options: EnsureOptions): Promise<Toolchain> {
  const { cacheDir, progress, isRenewal = false } = options;
  const root = rootOf(cacheDir);
  const ready = presentToolchain(cacheDir);
  if (ready !== undefined) markUsed(dirname(ready.binDir), Date.now());
  if (ready !== undefined && !isRenewal) return ready;
  return withLock(join(root, 'lock'), { describe: 'toolchain', progress }, async () => {
    const present = presentToolchain(cacheDir);
    if (present !== undefined && !isRenewal) return present;
    removeLeftOvers(root);
    const draft = mkdtempSync(join(root, draftPrefix));
    try {
      return await install(draft, present, options);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  });
}

/** One line on a docker plugin that was built here, and how the official one replaces it. */
export function builtPluginLine({ parts: { docker } }: Toolchain): string | undefined {
  if (docker.origin !== 'built') return undefined;
  return 'the docker plugin was built here, from an older provider; once github.com can be reached: ./gatewayctl toolchain --renew';
}

async function install(
  draft: string,
  present: Toolchain | undefined,
  { cacheDir, progress, isRenewal = false, units = pinnedUnits }: EnsureOptions,
): Promise<Toolchain> {
  const root = rootOf(cacheDir);
  const archivesDir = join(cacheDir, 'archives');
  const memoryFile = join(root, 'unreachable.json');
  // A renewal is asked for when something has changed: an earlier failure says nothing.
  if (isRenewal) rmSync(memoryFile, { force: true });
  const released = { platform, stagingDir: draft, memoryFile, progress };
  const ways: Way[] = [
    { name: 'installed', isReported: false, attempt: (unit) => takeInstalled(unit, draft) },
    {
      name: 'archive',
      isReported: false,
      attempt: (unit) => download(unit, { ...released, base: pathToFileURL(archivesDir).href }),
    },
    {
      name: 'official release',
      isReported: true,
      attempt: (unit) => download(unit, { ...released, base: mirrorUrl() }),
    },
    present === undefined
      ? {
          name: 'Go build',
          isReported: true,
          attempt: (unit) => buildFromGo(unit, { moduleRoot, stagingDir: draft, progress }),
        }
      : { name: 'kept', isReported: false, attempt: async (unit) => keep(unit, present, draft) },
  ];
  const parts: Record<string, InstalledPart> = {};
  const missing = [];
  for (const unit of units) {
    const result = await obtain(unit, ways, progress);
    if ('parts' in result) Object.assign(parts, result.parts);
    else missing.push(result);
  }
  if (missing.length > 0) {
    mkdirSync(archivesDir, { recursive: true });
    throw cannotInstall(missing, platform, archivesDir);
  }
  const keys = toolchainKeys(moduleRoot, platform);
  const dir = join(root, isBuilt(Object.values(parts)) ? keys.built : keys.official);
  writeWhole(join(draft, stampName), JSON.stringify(parts), 0o644);
  chmodSync(draft, 0o755);
  // Renamed, not deleted first: for programs that start meanwhile it is gone for a moment only.
  if (existsSync(dir)) renameSync(dir, join(draft, 'replaced'));
  renameSync(draft, dir);
  rmSync(join(dir, 'replaced'), { recursive: true, force: true });
  return toolchainIn(dir, parts as Toolchain['parts']);
}

/** What a renewal could not fetch stays as it is. */
function keep(unit: Unit, { binDir, parts }: Toolchain, draft: string): Attempt {
  for (const { file } of unit.parts) putInPlace(join(dirname(binDir), file), join(draft, file));
  return { parts: unit.parts.map(({ name }) => parts[name]) };
}

const partSchema = z.object({
  version: z.string(),
  origin: z.enum(['official', 'built', 'found']),
  source: z.string(),
  problems: z.array(z.string()),
});
const partsSchema = z.record(z.enum(['pulumi', 'language-nodejs', 'docker', 'command']), partSchema);

/** A directory without a readable stamp is no toolchain: it is installed again. */
function readToolchain(dir: string): Toolchain | undefined {
  const { success, data } = partsSchema.safeParse(readJson(join(dir, stampName)));
  return success ? toolchainIn(dir, data) : undefined;
}

function toolchainIn(dir: string, parts: Toolchain['parts']): Toolchain {
  return { binDir: join(dir, 'bin'), pulumiHome: join(dir, 'home'), parts };
}

/** Under the lock nobody else installs: what lies here was left by a killed run, or by versions of long ago. */
function removeLeftOvers(root: string): void {
  mkdirSync(root, { recursive: true });
  for (const name of readdirSync(root)) {
    if (name.startsWith(draftPrefix)) rmSync(join(root, name), { recursive: true, force: true });
  }
  deleteUnused(root, Date.now());
}
