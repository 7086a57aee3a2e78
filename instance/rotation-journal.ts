import { rmSync } from 'node:fs';
import { z } from 'zod';
import { ownEnvironment } from '../host/environment.ts';
import { writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';
import { secretVariables } from '../settings/schema.ts';
import { readRemembered } from './remembered.ts';

const rotationSchema = z.object({ variable: z.enum(secretVariables), before: z.string(), after: z.string() });

/** A started rotation, recorded beside the secrets so that it can be finished after a kill. */
export type Rotation = Readonly<z.infer<typeof rotationSchema>>;

const continuesName = 'TAXLIEN_GATEWAY_ROTATION_CONTINUES';

/** Lets a deploy start the service that stores a secret; the rotation continues after it. */
export const rotationContinues = { [continuesName]: 'true' } as const;

export const doesRotationContinue = (env: NodeJS.ProcessEnv = ownEnvironment): boolean => env[continuesName] === 'true';

/** @throws UserError E_DAMAGED_FILE */
export const readRotation = ({ rotationFile, env }: Instance): Rotation | undefined =>
  readRemembered(
    rotationFile,
    rotationSchema,
    `Remove it: rm ${rotationFile}. Then run ./gatewayctl doctor ${env}: it says whether the .env has the password of the database.`,
  );

export function beginRotation({ rotationFile }: Instance, rotation: Rotation): void {
  writeWhole(rotationFile, `${JSON.stringify(rotation)}\n`, 0o600);
}

export function endRotation({ rotationFile }: Instance): void {
  rmSync(rotationFile, { force: true });
}
