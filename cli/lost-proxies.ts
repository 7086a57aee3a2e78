import { end } from '../bootstrap/sandbox/processes.ts';
import { readPublished } from '../preflight/daemon-facts.ts';
import { dockerProxiesOf } from '../preflight/docker-proxies.ts';
import { hostInUrl } from '../settings/address.ts';
import { services } from '../settings/instance.ts';
import type { Settings } from '../settings/load.ts';
import type { Stack } from './stack.ts';

/**
 * Ends each `docker-proxy` that an engine left behind when it ended, and that still holds a port of this instance. One
 * of the living engine is left alone: that engine would still count its port as taken. Needs the rights of the
 * engine's user, on Linux.
 * @returns one line for each
 */
export async function endLostProxies({ engine }: Stack, settings: Settings): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  const published = await readPublished(engine.dockerHost);
  const lost: string[] = [];
  for (const port of services.map((service) => settings.ports[service])) {
    const left = dockerProxiesOf({ ip: settings.bindIp, port }).filter(({ isEngines }) => !isEngines);
    if (left.length === 0 || published.some((held) => held.ip === settings.bindIp && held.port === port)) continue;
    await end(
      left.map(({ id }) => id),
      'SIGTERM',
      5_000,
    );
    lost.push(`ended a docker-proxy that held ${hostInUrl(settings.bindIp)}:${port} for no container`);
  }
  return lost;
}
