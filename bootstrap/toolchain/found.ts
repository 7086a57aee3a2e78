import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { ownEnvironment, pathWith } from '../../host/environment.ts';
import { realPathOf } from '../../host/paths.ts';
import { run } from '../../host/process.ts';
import { stampName } from './keys.ts';
import { pluginFolder, type Unit } from './parts.ts';
import { type Attempt, putInPlace } from './sources.ts';

/** The version in a program's version output: `v3.259.0` and `3.259.0` alike. */
export function parseVersion(text: string): string | undefined {
  return /^v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)\s*$/m.exec(text)?.[1];
}

/** Copies what is already installed on this machine, if it is the pinned version. */
export async function takeInstalled(unit: Unit, stagingDir: string): Promise<Attempt> {
  const [first] = unit.parts;
  const found = first.name === 'pulumi' ? await installedEngine(unit) : installedPlugin(unit);
  if ('problem' in found) return found;
  for (const part of unit.parts) putInPlace(join(found.dir, part.program), join(stagingDir, part.file));
  return { parts: unit.parts.map(() => ({ version: unit.version, origin: 'found', source: found.dir })) };
}

type Found = { readonly dir: string } | { readonly problem: string };

async function installedEngine(unit: Unit): Promise<Found> {
  const [pulumi, ...others] = unit.parts;
  const onPath = pathWith()
    .split(delimiter)
    .map((dir) => join(dir, pulumi.program))
    .find((file) => existsSync(file) && !isOfToolchain(join(realPathOf(dirname(file)), '..')));
  if (onPath === undefined) return { problem: 'pulumi is not on PATH' };
  // Package managers put links on PATH; the language host is beside the program itself.
  const file = realpathSync(onPath);
  const { stdout, exitCode } = await run([file, 'version'], { allowedExitCodes: 'any', timeoutMs: 20_000 });
  const version = exitCode === 0 ? parseVersion(stdout) : undefined;
  if (version !== unit.version) return { problem: `${onPath} is ${version ?? 'of an unknown version'}` };
  const missing = others.find(({ program }) => !existsSync(join(dirname(file), program)));
  if (missing !== undefined) return { problem: `${onPath} has no ${missing.program} beside it` };
  return { dir: dirname(file) };
}

/** Pulumi's plugin folders have the version in their names; a plugin on PATH cannot always print it. */
function installedPlugin(unit: Unit): Found {
  const [part] = unit.parts;
  const places = [ownEnvironment.PULUMI_HOME ?? '', join(homedir(), '.pulumi')]
    .filter((home) => home !== '')
    .map((home) => join(home, 'plugins'))
    .filter((plugins) => !isOfToolchain(join(realPathOf(plugins), '../..')))
    .map((plugins) => join(plugins, pluginFolder(part.name, unit.version)));
  const problems: string[] = [];
  for (const dir of new Set(places)) {
    if (!existsSync(join(dir, part.program))) problems.push(`${dir} is not there`);
    // Pulumi creates it before an installation and removes it after a successful one.
    else if (existsSync(`${dir}.partial`)) problems.push(`${dir} is not complete (${basename(dir)}.partial is there)`);
    else return { dir };
  }
  return { problem: problems.join(', ') };
}

/** After `gatewayctl env`, PATH and PULUMI_HOME point to an earlier toolchain, whose parts may be built here. */
const isOfToolchain = (dir: string) => existsSync(join(dir, stampName));
