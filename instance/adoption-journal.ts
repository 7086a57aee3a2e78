import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';
import type { DataVolumeName, Environment } from '../settings/services.ts';

/** Where a Compose project keeps what becomes one of this stack's volumes. */
export interface AdoptedData {
  readonly volume: DataVolumeName;
  /** Container that uses it. */
  readonly container: string;
  /** A directory of the host, or the name of a Docker volume. */
  readonly from: { readonly type: 'bind' | 'volume'; readonly source: string };
  /** Whether it lies where Docker put it, so that a copy is kept in the backup too. */
  readonly isDockerManaged: boolean;
  /** Whether it lies at `to` already. */
  readonly isInPlace: boolean;
  /** Directory of the host that it is brought to. */
  readonly to: string;
}

/** All that an adoption does to a Compose project. */
export interface AdoptionPlan {
  readonly env: Environment;
  readonly project: string;
  readonly data: readonly AdoptedData[];
  /** What is removed: containers of the five services, the default network, volumes with a name of this stack. */
  readonly containers: readonly { readonly id: string; readonly name: string; readonly finishedAt: string }[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
  /** Volumes and other objects of the project that stay. */
  readonly kept: { readonly containers: readonly string[]; readonly volumes: readonly string[] };
}

/** An adoption that has begun, so that a killed one can be finished. */
export interface Adoption {
  /** `copying`: nothing is removed yet. `switching`: all copies are verified. `done`: the next `up` deploys on them. */
  readonly phase: 'copying' | 'switching' | 'done';
  readonly backupDir: string;
  readonly plan: AdoptionPlan;
}

export const adoptionFile = (instance: Instance) => join(instance.dir, 'adoption.json');

export function readAdoption(instance: Instance): Adoption | undefined {
  try {
    return JSON.parse(readFileSync(adoptionFile(instance), 'utf8')) as Adoption;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export const writeAdoption = (instance: Instance, adoption: Adoption) =>
  writeWhole(adoptionFile(instance), `${JSON.stringify(adoption, undefined, 2)}\n`, 0o600);
