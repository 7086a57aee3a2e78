import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Instance } from './instance.ts';
import { writeWhole } from './whole-file.ts';

/**
 * Random id of the last time that the host paths of an instance were made, or a new one where any of them is gone:
 * what triggers on it is run again then, and only then. Writes nothing.
 */
export function hostPathsId(instance: Instance, paths: readonly string[]): string {
  const isWhole = paths.every((path) => isMade(instance, path));
  return (isWhole ? readId(instance) : undefined) ?? randomUUID();
}

/** A directory of secrets that others can look into is one that Docker made, empty, in the place of one that was gone. */
function isMade({ secretsDir }: Instance, path: string): boolean {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  return mode !== undefined && (dirname(path) !== secretsDir || (mode & 0o077) === 0);
}

/** Remembers the id, once all paths are made. */
export function writeHostPathsId(instance: Instance, id: string): void {
  writeWhole(instance.hostPathsFile, `${id}\n`, 0o644);
}

function readId(instance: Instance): string | undefined {
  try {
    return readFileSync(instance.hostPathsFile, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
