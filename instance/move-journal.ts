import { rmSync } from 'node:fs';
import { z } from 'zod';
import { writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';
import { readRemembered } from './remembered.ts';

const moveSchema = z.object({
  from: z.string(),
  to: z.string(),
  /** `copying`: the data is where it was. `switching`: the copy is complete and verified, and the instance turns to it. */
  phase: z.enum(['copying', 'switching']),
});

/** A move of the data that has begun, so that a killed one can be finished. */
export type DataMove = Readonly<z.infer<typeof moveSchema>>;

/** @throws UserError E_DAMAGED_FILE */
export const readMove = ({ moveFile, env }: Instance): DataMove | undefined =>
  readRemembered(
    moveFile,
    moveSchema,
    `Remove it: rm ${moveFile}. Then run ./gatewayctl move-data ${env} <dir> again, or ./gatewayctl doctor ${env}.`,
  );

export function writeMove({ moveFile }: Instance, move: DataMove): void {
  writeWhole(moveFile, `${JSON.stringify(move)}\n`, 0o644);
}

export function endMove({ moveFile }: Instance): void {
  rmSync(moveFile, { force: true });
}
