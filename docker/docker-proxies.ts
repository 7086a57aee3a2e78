import { networkOf, type ProcessId, parentName, processesWithArgs } from '../host/processes.ts';
import type { FoundContainer } from './daemon-facts.ts';

/** A `docker-proxy`: the process that listens on a published port. */
export interface DockerProxy {
  readonly id: ProcessId;
  /** true: its dockerd is alive. false: orphaned. */
  readonly hasEngine: boolean;
}

/** The proxies of an address in this network namespace: engines in others may use the same address. Linux only. */
export function dockerProxiesOf({ ip, port }: FoundContainer['published'][number]): readonly DockerProxy[] {
  if (process.platform !== 'linux') return [];
  const here = networkOf('self');
  return (
    processesWithArgs(['-proto', 'tcp', '-host-ip', ip, '-host-port', `${port}`])
      // Without root, the namespace of another user's process cannot be read.
      .filter(({ pid }) => (networkOf(pid) ?? here) === here)
      .map((id) => ({ id, hasEngine: parentName(id.pid) === 'dockerd' }))
  );
}
