import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';

/** A move of the data that has begun, so that a killed one can be finished. */
export interface DataMove {
  readonly from: string;
  readonly to: string;
  /** `copying`: the data is where it was. `switching`: the copy is whole and verified, and the instance turns to it. */
  readonly phase: 'copying' | 'switching';
}

const journalFile = (instance: Instance) => join(instance.dir, 'move-data.json');

export function readMove(instance: Instance): DataMove | undefined {
  try {
    return JSON.parse(readFileSync(journalFile(instance), 'utf8')) as DataMove;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function writeMove(instance: Instance, move: DataMove): void {
  writeWhole(journalFile(instance), `${JSON.stringify(move)}\n`, 0o644);
}

export function endMove(instance: Instance): void {
  rmSync(journalFile(instance), { force: true });
}
