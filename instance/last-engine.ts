import { UserError } from '../host/errors.ts';
import { readIfThere, writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';

/** What an instance was last deployed on. */
export interface LastEngine {
  readonly kind: 'daemon' | 'sandbox';
  /** The daemon's own id; absent before the first successful deploy, and for a sandbox, which may be created again. */
  readonly id?: string;
}

/** @throws UserError E_DAMAGED_FILE */
export function readLastEngine({ engineFile }: Instance): LastEngine | undefined {
  const text = readIfThere(engineFile);
  if (text === undefined) return undefined;
  const [kind, id] = text.split('\n');
  if (kind === 'daemon' || kind === 'sandbox') return { kind, ...(id === undefined || id === '' ? {} : { id }) };
  throw new UserError(
    'E_DAMAGED_FILE',
    `${engineFile}: must begin with "daemon" or "sandbox" (got ${text.length} other characters)`,
    `Write the kind of engine that the containers of this instance run on: echo daemon > ${engineFile}`,
  );
}

export function writeLastEngine({ engineFile }: Instance, { kind, id }: LastEngine): void {
  writeWhole(engineFile, id === undefined ? `${kind}\n` : `${kind}\n${id}\n`, 0o644);
}
