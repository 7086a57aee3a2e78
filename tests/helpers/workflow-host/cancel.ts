import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, killTree } from '../killed.ts';
import type { StartedRun } from './workflow-run.ts';

/**
 * Cancels a run as GitHub's runner does: SIGINT to the process of the step, after 7.5 s SIGTERM, after another 2.5 s
 * SIGKILL to it and all its descendants.
 * @returns the last signal that was needed
 */
export async function cancelRun({ act }: StartedRun): Promise<NodeJS.Signals> {
  const [step] = childrenOf(act.pid ?? 0);
  if (step === undefined) throw new Error('no step runs that could be cancelled');
  for (const [signal, patienceMs] of [
    ['SIGINT', 7_500],
    ['SIGTERM', 2_500],
  ] as const) {
    process.kill(step, signal);
    for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 100) {
      if (!childrenOf(act.pid ?? 0).includes(step)) return signal;
      await sleep(100);
    }
  }
  killTree(step);
  return 'SIGKILL';
}
