import { networkOf, type ProcessId, parentName, processesWithArgs } from '../host/processes.ts';
import type { FoundContainer } from './daemon-facts.ts';

/** A `docker-proxy`: the process that listens on a published port. */
export interface DockerProxy {
  readonly id: ProcessId;
  /** Whether a living engine started it and counts its port as taken; else an engine left it behind. */
  readonly isEngines: boolean;
}

/** The proxies of an address in this very network: other engines may have the same one in theirs. None but on Linux. */
export function dockerProxiesOf({ ip, port }: FoundContainer['published'][number]): readonly DockerProxy[] {
  if (process.platform !== 'linux') return [];
  const here = networkOf('self');
  return (
    processesWithArgs(['-proto', 'tcp', '-host-ip', ip, '-host-port', `${port}`])
      // An ordinary user may not see the network of another's process.
      .filter(({ pid }) => (networkOf(pid) ?? here) === here)
      .map((id) => ({ id, isEngines: parentName(id.pid) === 'dockerd' }))
  );
}
