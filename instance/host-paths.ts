import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { readIfThere, writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';

/**
 * Random id of the last time that the host paths of an instance were made, or a new one where any of them is gone:
 * what triggers on it is run again then, and only then. Writes nothing.
 */
export function hostPathsId(instance: Instance, paths: readonly string[]): string {
  const isThere = paths.every((path) => existsSync(path));
  return (isThere ? readIfThere(instance.hostPathsFile)?.trim() : undefined) ?? randomUUID();
}

/** Removes the id before the paths are made: without it they are made again. */
export function forgetHostPathsId(instance: Instance): void {
  rmSync(instance.hostPathsFile, { force: true });
}

/** Writes the id once all paths are made. */
export function writeHostPathsId(instance: Instance, id: string): void {
  writeWhole(instance.hostPathsFile, `${id}\n`, 0o644);
}
