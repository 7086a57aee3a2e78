import { readPublished } from '../../docker/daemon-facts.ts';
import { dockerProxiesOf } from '../../docker/docker-proxies.ts';
import { hostInUrl } from '../../host/address.ts';
import { end } from '../../host/processes.ts';
import type { Settings } from '../../settings/load.ts';
import { services } from '../../settings/services.ts';
import type { Stack } from './stack.ts';

/**
 * Ends each `docker-proxy` that an engine left behind when it ended, and that still holds a port of this instance. One
 * of the living engine is left alone: that engine would still count its port as taken. Needs the rights of the
 * engine's user, on Linux.
 * @returns one line for each
 */
export async function endLostProxies({ engine }: Stack, settings: Settings): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  const left = services
    .map((service) => ({ ip: settings.bindIp, port: settings.ports[service] }))
    .map((address) => ({ ...address, proxies: dockerProxiesOf(address).filter(({ hasEngine }) => !hasEngine) }))
    .filter(({ proxies }) => proxies.length > 0);
  if (left.length === 0) return [];
  const published = await readPublished(engine.docker);
  const lost = left.filter(({ ip, port }) => !published.some((held) => held.ip === ip && held.port === port));
  const ids = lost.flatMap(({ proxies }) => proxies.map(({ id }) => id));
  await end(ids, 'SIGTERM', 5_000);
  return lost.map(({ ip, port }) => `ended a docker-proxy that held ${hostInUrl(ip)}:${port} for no container`);
}
