import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceStatus } from '../../docker/status.ts';
import { checkoutDir, readSource } from '../../host/git.ts';
import { writeWhole } from '../../host/whole-file.ts';
import type { Instance } from '../../settings/instance.ts';
import type { ServiceName } from '../../settings/services.ts';
import type { Change, Told } from '../stack/events.ts';

/** For how long the published port of a service did not answer while it was deployed. */
export interface PortSilence {
  readonly service: ServiceName;
  readonly ms: number;
}

/** What the last deploy of an instance did, for those who report it: `logs/last-deploy.json`. */
export interface DeployRecord {
  readonly env: string;
  /** Commit and whether files differed from it; where the deploy got that far, what the gateway was built from. */
  readonly commit: string;
  /** Whatever `up --run` was given: names the workflow run that deployed. */
  readonly run: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly changes: readonly Change[];
  readonly services: readonly ServiceStatus[];
  readonly silence: readonly PortSilence[];
  readonly warnings: readonly string[];
  /** Only of a deploy that failed. */
  readonly failure?: {
    /** What was being done: `prove the new gateway`. */
    readonly phase: string;
    /** The errors, with the last lines of the container that failed. */
    readonly cause: string;
  };
}

const recordFile = ({ logsDir }: Instance) => join(logsDir, 'last-deploy.json');

/** A record in the making; `end` writes it. */
export class Recording {
  readonly #instance: Instance;
  readonly #startedAt = new Date();
  readonly #run: string;
  #commit: string;
  #told: Told = { changes: [], failed: [], errors: [], warnings: [] };
  #failure: DeployRecord['failure'];

  constructor(instance: Instance, commit: string, run: string) {
    this.#instance = instance;
    this.#commit = commit;
    this.#run = run;
  }

  commit(commit: string): void {
    this.#commit = commit;
  }

  told(told: Told): void {
    this.#told = told;
  }

  failed(phase: string, cause: string): void {
    this.#failure = { phase, cause };
  }

  end(silence: readonly PortSilence[], services: readonly ServiceStatus[]): void {
    const { changes, warnings } = this.#told;
    write(this.#instance, {
      env: this.#instance.env,
      commit: this.#commit,
      run: this.#run,
      startedAt: this.#startedAt.toISOString(),
      durationMs: Date.now() - this.#startedAt.getTime(),
      changes,
      services,
      silence,
      warnings,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    });
  }
}

export async function beginRecord(instance: Instance, run: string): Promise<Recording> {
  const { commit, isDirty } = await readSource(checkoutDir);
  return new Recording(instance, isDirty ? `${commit}, with edits` : commit, run);
}

function write(instance: Instance, record: DeployRecord): void {
  mkdirSync(instance.logsDir, { recursive: true });
  writeWhole(recordFile(instance), `${JSON.stringify(record, undefined, 2)}\n`, 0o600);
}

/** The record of the last deploy; `undefined` where there was none. */
export function readDeployRecord(instance: Instance): DeployRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(instance), 'utf8')) as DeployRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Ends of resource names, and what a deploy does there. */
const phases: readonly (readonly [RegExp, (name: string) => string])[] = [
  [/^gateway-image$/, () => "build the gateway's image"],
  [/-image$/, (name) => `get the image of ${name.slice(0, -'-image'.length)}`],
  [/^host-paths$/, () => 'make directories, secrets and configuration'],
  [/^gateway-selfcheck$/, () => 'prove the new gateway'],
  [/^gateway-migrate$/, () => 'migrate the schema'],
  [/-healthy$/, (name) => `wait until ${name.slice(0, -'-healthy'.length)} is healthy`],
  [/-volume$|^network$|-tag$|^data-markers$/, (name) => `make ${name}`],
  [/^[a-z]+$/, (name) => `start ${name}`],
];

/** What a run of Pulumi was doing when it failed. */
export function phaseOf({ failed }: Told): string {
  const name = failed[0];
  // Nothing failed in the daemon: the program itself refused.
  if (name === undefined) return 'check settings, host and data';
  return phases.find(([pattern]) => pattern.test(name))?.[1](name) ?? `make ${name}`;
}
