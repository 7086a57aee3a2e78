import { end, processesWithVariable } from '../bootstrap/sandbox/processes.ts';
import type { Instance } from '../settings/instance.ts';

/** Stands in the environment of every process of a deploy; its value is the instance's directory. */
export const markName = 'TAXLIEN_GATEWAY_DEPLOYS';

/**
 * Ends what a killed Pulumi left running, for good where nobody does: its language host waits for it. Only for whoever
 * holds the instance's lock, while no Pulumi works. On Linux; elsewhere an environment cannot be looked at.
 * @returns how many there were
 */
export async function endLeftovers({ dir }: Instance): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const left = processesWithVariable(`${markName}=${dir}`);
  await end(left, 'SIGTERM', 3_000);
  return left.length;
}
