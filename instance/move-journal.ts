import { rmSync } from 'node:fs';
import { z } from 'zod';
import { writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';
import { readRemembered } from './remembered.ts';

const moveSchema = z.object({
  from: z.string(),
  to: z.string(),
  /** `copying`: the data is still at `from`. `switching`: the copy is verified, and the instance switches to it. */
  phase: z.enum(['copying', 'switching']),
});

/** A started move of the data, recorded so that it can be finished after a kill. */
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
