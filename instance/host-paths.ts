import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { readIfThere, writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';

/**
 * Random id of the last creation of an instance's host paths, or a new one if any of them is gone: then, and only then,
 * what it triggers runs again. Writes nothing.
 */
export function hostPathsId(instance: Instance, paths: readonly string[]): string {
  const isThere = paths.every((path) => existsSync(path));
  return (isThere ? readIfThere(instance.hostPathsFile)?.trim() : undefined) ?? randomUUID();
}

/** Removes the id before the paths are created: without it they are created again. */
export function forgetHostPathsId(instance: Instance): void {
  rmSync(instance.hostPathsFile, { force: true });
}

/** Writes the id after all paths are created. */
export function writeHostPathsId(instance: Instance, id: string): void {
  writeWhole(instance.hostPathsFile, `${id}\n`, 0o644);
}
