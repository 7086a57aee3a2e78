import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Instance } from './instance.ts';
import { metaOf, type Variable, variables } from './schema.ts';

export const secretVariables: readonly Variable[] = variables.filter((variable) => metaOf(variable).secret === true);

/** A rotation that has begun: kept beside the secrets until it is done, so that a killed one can be finished. */
export interface Rotation {
  readonly variable: Variable;
  readonly before: string;
  readonly after: string;
}

const journalFile = (instance: Instance) => join(instance.secretsDir, 'rotation.json');

export function readRotation(instance: Instance): Rotation | undefined {
  try {
    return JSON.parse(readFileSync(journalFile(instance), 'utf8')) as Rotation;
  } catch (error) {
    // A journal that was cut off stands for a rotation that had not begun.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function beginRotation(instance: Instance, rotation: Rotation): void {
  writeFileSync(journalFile(instance), `${JSON.stringify(rotation)}\n`, { mode: 0o600, flush: true });
}

export function endRotation(instance: Instance): void {
  rmSync(journalFile(instance), { force: true });
}
