import { type RunOptions, type RunResult, run } from '../../host/process.ts';
import { end, processesWithVariable } from '../../host/processes.ts';
import type { Instance } from '../../settings/instance.ts';

/** Stands in the environment of every process of a deploy; its value is the instance's directory. */
export const markName = 'TAXLIEN_GATEWAY_DEPLOYS';

/**
 * Ends what a killed Pulumi left running, for good where nobody does: its language host waits for it. Only for whoever
 * holds the instance's lock, while no Pulumi works. On Linux; elsewhere an environment cannot be looked at.
 * @returns how many there were
 */
export const endLeftovers = ({ dir }: Instance): Promise<number> => endMarked(`${markName}=${dir}`);

/** Stands in the environment of every process of one run of Pulumi. */
const runName = 'TAXLIEN_GATEWAY_RUN';
let runs = 0;

/** Runs `pulumi` as `run` does, and ends with it what a stop left no time to end: its language host waits for it. */
export async function runPulumiProcess(args: readonly string[], options: RunOptions): Promise<RunResult> {
  runs += 1;
  const id = `${process.pid}-${runs}`;
  try {
    return await run(['pulumi', ...args], { ...options, env: { ...options.env, [runName]: id } });
  } finally {
    await endMarked(`${runName}=${id}`);
  }
}

async function endMarked(entry: string): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const left = processesWithVariable(entry);
  await end(left, 'SIGTERM', 3_000);
  return left.length;
}
