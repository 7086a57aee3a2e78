import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { end, isAlive, type ProcessId, processesWithArgs } from '../bootstrap/sandbox/processes.ts';
import { readPublished } from '../preflight/daemon-facts.ts';
import { hostInUrl } from '../settings/address.ts';
import { services } from '../settings/instance.ts';
import type { Settings } from '../settings/load.ts';
import type { Stack } from './stack.ts';

/** Docker starts the proxy of a port before it shows the container as running. */
const startMs = 10_000;

/**
 * Ends each `docker-proxy` that still holds a port of this instance while no container publishes it: an engine that is
 * stopped while it starts a container may leave one behind. Needs the rights of the engine's user, on Linux.
 * @returns one line for each
 */
export async function endLostProxies({ engine }: Stack, settings: Settings): Promise<readonly string[]> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return [];
  const lost: string[] = [];
  for (const port of services.map((service) => settings.ports[service])) {
    const address = { ip: settings.bindIp, port };
    const isPublished = async () =>
      (await readPublished(engine.dockerHost)).some(({ ip, port: held }) => ip === address.ip && held === port);
    const proxies = proxiesOf(address);
    if (proxies.length === 0 || (await isPublished())) continue;
    await sleep(startMs);
    const left = proxies.filter(isAlive);
    if (left.length === 0 || (await isPublished())) continue;
    await end(left, 'SIGTERM', 5_000);
    lost.push(`ended a docker-proxy that held ${hostInUrl(address.ip)}:${port} for no container`);
  }
  return lost;
}

/** The proxies of an address in this very network: other engines may have the same one in theirs. */
function proxiesOf({ ip, port }: { readonly ip: string; readonly port: number }): readonly ProcessId[] {
  const network = (pid: number | 'self') => {
    try {
      return readlinkSync(`/proc/${pid}/ns/net`);
    } catch {
      return undefined;
    }
  };
  return processesWithArgs(['-proto', 'tcp', '-host-ip', ip, '-host-port', `${port}`]).filter(
    ({ pid }) => network(pid) === network('self'),
  );
}
