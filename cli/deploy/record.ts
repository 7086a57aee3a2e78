import { mkdirSync } from 'node:fs';
import { z } from 'zod';
import { wordsOf } from '../../components/resource-names.ts';
import type { ServiceStatus } from '../../docker/status.ts';
import { UserError } from '../../host/errors.ts';
import { checkoutDir, readSource } from '../../host/git.ts';
import { writeWhole } from '../../host/whole-file.ts';
import { readRemembered } from '../../instance/remembered.ts';
import type { Instance } from '../../settings/instance.ts';
import { services } from '../../settings/services.ts';
import { operations, type PulumiReport } from '../stack/events.ts';

const recordSchema = z.object({
  env: z.string(),
  /** Commit, and whether files differed from it; after a build of the gateway, the source of that build. */
  commit: z.string(),
  /** The value of `up --run`: names the workflow run that deployed. */
  run: z.string(),
  startedAt: z.string(),
  durationMs: z.number(),
  changes: z
    .array(
      z.object({
        operation: z.enum(operations),
        name: z.string(),
        type: z.string(),
        properties: z.array(z.string()).readonly(),
      }),
    )
    .readonly(),
  services: z
    .array(
      z.object({
        env: z.string(),
        service: z.enum(services),
        container: z.string(),
        image: z.string(),
        address: z.string(),
        health: z.string(),
      }),
    )
    .readonly(),
  /** How long the published port of each service did not answer. Records of older versions have none. */
  downtime: z
    .array(z.object({ service: z.enum(services), ms: z.number() }))
    .readonly()
    .default([]),
  warnings: z.array(z.string()).readonly(),
  /** Only of a failed deploy: its phase, and the errors with the last lines of the failed container. */
  failure: z.object({ phase: z.string(), cause: z.string() }).optional(),
});

/** What the last deploy of an instance did: `logs/last-deploy.json`. */
export type DeployRecord = z.output<typeof recordSchema>;
export type PortDowntime = DeployRecord['downtime'][number];

const recorded = new WeakSet<Error>();

/** Whether an error of this process is in a record. */
export const isRecorded = (error: Error): boolean => recorded.has(error);

/** An unfinished record; `end` writes it. */
export class Recording {
  readonly #instance: Instance;
  readonly #startedAt = new Date();
  readonly #run: string;
  #commit: string;
  #report: PulumiReport = { changes: [], failed: [], errors: [], warnings: [] };
  #failure: DeployRecord['failure'];

  constructor(instance: Instance, commit: string, run: string) {
    this.#instance = instance;
    this.#commit = commit;
    this.#run = run;
  }

  commit(commit: string): void {
    this.#commit = commit;
  }

  report(report: PulumiReport): void {
    this.#report = report;
  }

  failed(phase: string, cause: string): void {
    this.#failure = { phase, cause };
  }

  /** The same for an error that the caller rethrows; `isRecorded` is then true for it. */
  failedBy(phase: string, error: Error): void {
    this.failed(phase, error instanceof UserError ? error.text : error.message);
    recorded.add(error);
  }

  end(downtime: readonly PortDowntime[], services: readonly ServiceStatus[]): void {
    const { changes, warnings } = this.#report;
    write(this.#instance, {
      env: this.#instance.env,
      commit: this.#commit,
      run: this.#run,
      startedAt: this.#startedAt.toISOString(),
      durationMs: Date.now() - this.#startedAt.getTime(),
      changes,
      services,
      downtime,
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
  writeWhole(instance.deployRecordFile, `${JSON.stringify(record, undefined, 2)}\n`, 0o600);
}

/**
 * The record of the last deploy; `undefined` if there was none.
 * @throws UserError E_DAMAGED_FILE
 */
export const readDeployRecord = ({ deployRecordFile, env }: Instance): DeployRecord | undefined =>
  readRemembered(
    deployRecordFile,
    recordSchema,
    `Remove it: rm ${deployRecordFile}. The next ./gatewayctl up ${env} writes a new one.`,
  );

/** The phase in which a run of Pulumi failed. */
export function phaseOf({ failed }: PulumiReport): string {
  const name = failed[0];
  // No resource failed: the program itself refused.
  if (name === undefined) return 'check settings, host and data';
  return wordsOf(name).phase;
}
