import { readFileSync } from 'node:fs';
import { writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';

/** What an instance was last deployed on. */
export interface LastEngine {
  readonly kind: 'daemon' | 'sandbox';
  /** The daemon's own id; absent before the first good deploy, and for a sandbox, which may be made anew. */
  readonly id?: string;
}

export function readLastEngine(instance: Instance): LastEngine | undefined {
  try {
    const [kind = '', id = ''] = readFileSync(instance.engineFile, 'utf8').split('\n');
    if (kind !== 'daemon' && kind !== 'sandbox') return undefined;
    return { kind, ...(id === '' ? {} : { id }) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function writeLastEngine(instance: Instance, { kind, id }: LastEngine): void {
  const text = id === undefined ? `${kind}\n` : `${kind}\n${id}\n`;
  writeWhole(instance.engineFile, text, 0o644);
}
