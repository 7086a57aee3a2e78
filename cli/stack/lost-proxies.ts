import { readPublished } from '../../docker/daemon-facts.ts';
import { dockerProxiesOf } from '../../docker/docker-proxies.ts';
import { hostInUrl } from '../../host/address.ts';
import { end } from '../../host/processes.ts';
import type { Settings } from '../../settings/load.ts';
import { services } from '../../settings/services.ts';
import type { Stack } from './stack.ts';

/**
 * Kills each orphaned `docker-proxy` that still holds a port of this instance. One of a running engine is left alone:
 * that engine would still count its port as taken. As root, on Linux.
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
  return lost.map(({ ip, port }) => `killed an orphaned docker-proxy that held ${hostInUrl(ip)}:${port}`);
}
