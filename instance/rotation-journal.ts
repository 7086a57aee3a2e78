import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ownEnvironment } from '../host/environment.ts';
import { writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';
import type { Secrets } from '../settings/load.ts';
import { metaOf, type Variable, variables } from '../settings/schema.ts';

export const secretVariables: readonly Variable[] = variables.filter((variable) => metaOf(variable).secret === true);

/** A rotation that has begun: kept beside the secrets until it is done, so that a killed one can be finished. */
export interface Rotation {
  readonly variable: Variable;
  readonly before: string;
  readonly after: string;
}

/** The value that a secret has now. */
export function secretValue(secrets: Secrets, variable: Variable): string {
  const values: Partial<Record<Variable, string>> = {
    POSTGRES_PASSWORD: secrets.postgresPassword,
    REDIS_PASSWORD: secrets.redisPassword,
    WORKER_TOKEN: secrets.workerToken,
    GRAFANA_ADMIN_PASSWORD: secrets.grafanaAdminPassword,
  };
  const value = values[variable];
  if (value === undefined) throw new TypeError(`${variable} is not among the secrets`);
  return value;
}

const goesOnName = 'TAXLIEN_GATEWAY_ROTATION_GOES_ON';

/** Lets a deploy bring the service that stores a secret, for the rotation that then goes on. */
export const rotationGoesOn = { [goesOnName]: 'true' } as const;

export const doesRotationGoOn = (env: NodeJS.ProcessEnv = ownEnvironment): boolean => env[goesOnName] === 'true';

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
  writeWhole(journalFile(instance), `${JSON.stringify(rotation)}\n`, 0o600);
}

export function endRotation(instance: Instance): void {
  rmSync(journalFile(instance), { force: true });
}
