import { existsSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { pathWith } from '../../host/environment.ts';
import { run } from '../../host/process.ts';
import { pluginFolder, type Unit } from './parts.ts';
import { type Attempt, putInPlace } from './sources.ts';

/** The version in what a program prints about itself: `v3.259.0` and `3.259.0` alike. */
export function parseVersion(text: string): string | undefined {
  return /^v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)\s*$/m.exec(text)?.[1];
}

/** Takes what is already installed on this machine, if it is the pinned version. */
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
    .find((file) => existsSync(file));
  if (onPath === undefined) return { problem: 'pulumi is not on PATH' };
  // Package managers put links on PATH; the language host lies beside the program itself.
  const file = realpathSync(onPath);
  const { stdout, exitCode } = await run([file, 'version'], { allowedExitCodes: 'any', timeoutMs: 20_000 });
  const version = exitCode === 0 ? parseVersion(stdout) : undefined;
  if (version !== unit.version) return { problem: `${onPath} is ${version ?? 'of an unknown version'}` };
  const missing = others.find(({ program }) => !existsSync(join(dirname(file), program)));
  if (missing !== undefined) return { problem: `${onPath} has no ${missing.program} beside it` };
  return { dir: dirname(file) };
}

/** Pulumi's own plugin directory carries the version in its folders' names; a plugin on PATH cannot always tell it. */
function installedPlugin(unit: Unit): Found {
  const [part] = unit.parts;
  const dir = join(homedir(), '.pulumi', 'plugins', pluginFolder(part.name, unit.version));
  return existsSync(join(dir, part.program)) ? { dir } : { problem: `${dir} is not there` };
}
