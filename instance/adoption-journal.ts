import { z } from 'zod';
import { writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';
import { dataVolumes, environments } from '../settings/services.ts';
import { readRemembered } from './remembered.ts';

const adoptedDataSchema = z.object({
  volume: z.enum(dataVolumes),
  /** Container that uses it. */
  container: z.string(),
  /** A directory of the host, or the name of a Docker volume. */
  from: z.object({ type: z.enum(['bind', 'volume']), source: z.string() }),
  /** Whether Docker chose its directory; the backup then gets a copy too. */
  isDockerManaged: z.boolean(),
  /** Whether it is at `to` already. */
  isInPlace: z.boolean(),
  /** Directory of the host that it is copied to. */
  to: z.string(),
});

/** Data of a Compose project that becomes one of this stack's volumes. */
export type AdoptedData = z.infer<typeof adoptedDataSchema>;

const planSchema = z.object({
  env: z.enum(environments),
  project: z.string(),
  data: z.array(adoptedDataSchema).readonly(),
  /** What is removed: containers of the five services, the default network, volumes with a name of this stack. */
  containers: z.array(z.object({ id: z.string(), name: z.string(), finishedAt: z.string() })).readonly(),
  networks: z.array(z.string()).readonly(),
  volumes: z.array(z.string()).readonly(),
  /** Containers and volumes of the Compose project that adopt does not remove. */
  kept: z.object({ containers: z.array(z.string()).readonly(), volumes: z.array(z.string()).readonly() }),
});

/** Everything that an adoption changes in a Compose project. */
export type AdoptionPlan = Readonly<z.infer<typeof planSchema>>;

const adoptionSchema = z.object({
  /** `copying`: nothing is removed yet. `switching`: all copies are verified. `done`: the next `up` deploys on them. */
  phase: z.enum(['copying', 'switching', 'done']),
  backupDir: z.string(),
  plan: planSchema,
});

/** A started adoption, recorded so that it can be finished after a kill. */
export type Adoption = Readonly<z.infer<typeof adoptionSchema>>;

/** @throws UserError E_DAMAGED_FILE */
export const readAdoption = ({ adoptionFile, env }: Instance): Adoption | undefined =>
  readRemembered(
    adoptionFile,
    adoptionSchema,
    `Remove it: rm ${adoptionFile}. Then run ./gatewayctl adopt ${env} again: it copies what is missing.`,
  );

export const writeAdoption = ({ adoptionFile }: Instance, adoption: Adoption): void =>
  writeWhole(adoptionFile, `${JSON.stringify(adoption, undefined, 2)}\n`, 0o600);
