import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Instance } from './instance.ts';

/**
 * Random id of the last time that the host paths of an instance were made, or a new one where any of them is gone:
 * what triggers on it is run again then, and only then. Writes nothing.
 */
export function hostPathsId(instance: Instance, paths: readonly string[]): string {
  const isWhole = paths.every((path) => existsSync(path));
  return (isWhole ? readId(instance) : undefined) ?? randomUUID();
}

/** Remembers the id, once all paths are made. */
export function writeHostPathsId(instance: Instance, id: string): void {
  writeFileSync(`${instance.hostPathsFile}.new`, `${id}\n`, { mode: 0o644, flush: true });
  renameSync(`${instance.hostPathsFile}.new`, instance.hostPathsFile);
}

function readId(instance: Instance): string | undefined {
  try {
    return readFileSync(instance.hostPathsFile, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
