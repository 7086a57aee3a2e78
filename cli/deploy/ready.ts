import { setTimeout as sleep } from 'node:timers/promises';
import { readStatus, type ServiceStatus } from '../../docker/status.ts';
import { hostInUrl } from '../../host/address.ts';
import { UserError } from '../../host/errors.ts';
import type { Progress } from '../../host/output.ts';
import { run } from '../../host/process.ts';
import type { Settings } from '../../settings/load.ts';
import { services as allServices, type ServiceName } from '../../settings/services.ts';
import { queryGrafana } from './grafana-query.ts';

export interface Patience {
  readonly timeoutMs: number;
  readonly pollMs: number;
  readonly sleep: (ms: number) => Promise<unknown>;
}
export const standardPatience: Patience = { timeoutMs: 60000, pollMs: 500, sleep };
export interface Waited {
  readonly dockerHost: string;
  readonly settings: Settings;
  /** Default: all. */
  readonly services?: readonly ServiceName[];
}
/**
 * Looks at the health of every service outside Pulumi, which looks only when it creates a container.
 * @throws UserError E_UNHEALTHY with each service that is not well and its last log lines; E_UNREACHABLE, E_NOT_READY
 *   and E_GRAFANA_QUERY where all are well, yet do not answer what they are asked
 */
export async function waitUntilReady(
  { dockerHost, settings, services = allServices }: Waited,
  progress: Progress,
  { timeoutMs, pollMs, sleep }: Patience = standardPatience,
): Promise<readonly ServiceStatus[]> {
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const rows = (await readStatus(dockerHost, settings)).filter(({ service }) => services.includes(service));
    const ill = rows.filter(({ health }) => health !== 'healthy');
    if (ill.length === 0) {
      if (services.includes('gateway')) await probeGateway(settings);
      if (services.includes('grafana') && services.includes('prometheus')) await queryGrafana(settings);
      return rows;
    }
    // Only what is still starting may yet get well by itself.
    const isHopeless = ill.some(({ health }) => health !== 'starting');
    if (isHopeless || waitedMs >= timeoutMs) throw await unhealthy(dockerHost, ill, waitedMs);
    progress.tick(`waiting for ${ill.map(({ service }) => service).join(', ')}`);
    await sleep(pollMs);
  }
}
export async function unhealthy(
  dockerHost: string,
  ill: readonly ServiceStatus[],
  waitedMs: number,
): Promise<UserError> {
  const parts = await Promise.all(
    ill.map(async ({ service, container, health }) => {
      const line = `${service}: not healthy after ${Math.round(waitedMs / 1000)} s (got ${health})`;
      if (health === 'missing') return line;
      const argv = ['docker', '--host', dockerHost, 'logs', '--tail', '20', container];
      const { stdout, stderr } = await run(argv, { allowedExitCodes: 'any' });
      return `${line}; its last lines:\n${`${stdout}${stderr}`.trimEnd()}`;
    }),
  );
  const env = ill[0]?.env ?? '';
  return new UserError('E_UNHEALTHY', parts.join('\n'), `Mend the cause, then run ./gatewayctl up ${env}.`);
}
/** The one request that shows that the whole stack answers where it should. */
export async function probeGateway(settings: Settings): Promise<void> {
  const host = hostInUrl(settings.bindIp);
  const url = `http://${host}:${settings.ports.gateway}/readyz`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(10000) }).catch((error: unknown) => {
    const cause = (error as { cause?: Error }).cause ?? (error as Error);
    throw new UserError(
      'E_UNREACHABLE',
      `${url}: does not answer (got ${cause.message})`,
      `Run ./gatewayctl doctor ${settings.env}.`,
    );
  });
  if (answer.ok) return;
  const text = (await answer.text()).slice(0, 500);
  throw new UserError(
    'E_NOT_READY',
    `${url}: HTTP ${answer.status} (got ${text})`,
    `Run ./gatewayctl status ${settings.env}.`,
  );
}
