import type { DockerClient } from '../../docker/client.ts';
import { readStatus, type ServiceStatus } from '../../docker/status.ts';
import { hostInUrl } from '../../host/address.ts';
import { UserError } from '../../host/errors.ts';
import type { Progress } from '../../host/output.ts';
import { waitUntil } from '../../host/wait.ts';
import type { Settings } from '../../settings/load.ts';
import { services as allServices, type ServiceName } from '../../settings/services.ts';
import { queryGrafana } from './grafana-query.ts';

export interface ReadyOptions {
  readonly docker: DockerClient;
  readonly settings: Settings;
  /** Default: all. */
  readonly services?: readonly ServiceName[];
  /** Default: one minute. */
  readonly timeoutMs?: number;
}
/**
 * Waits until every service is healthy. Pulumi checks that only when it creates a container.
 * @throws UserError E_UNHEALTHY with each unhealthy service and its last log lines; E_UNREACHABLE, E_NOT_READY or
 *   E_GRAFANA_QUERY if all are healthy but a request fails
 */
export async function waitUntilReady(
  { docker, settings, services = allServices, timeoutMs = 60_000 }: ReadyOptions,
  progress: Progress,
): Promise<readonly ServiceStatus[]> {
  const read = async () => (await readStatus(docker, settings)).filter(({ service }) => services.includes(service));
  const unhealthyIn = (rows: readonly ServiceStatus[]) => rows.filter(({ health }) => health !== 'healthy');
  const { last, waitedMs } = await waitUntil(read, {
    // Only a starting service may still become healthy.
    isOver: (rows) => unhealthyIn(rows).length === 0 || unhealthyIn(rows).some(({ health }) => health !== 'starting'),
    timeoutMs,
    firstPauseMs: 100,
    mostPauseMs: 500,
    onPause: (rows) =>
      progress.tick(
        `waiting for ${unhealthyIn(rows)
          .map(({ service }) => service)
          .join(', ')}`,
      ),
  });
  const unhealthy = unhealthyIn(last);
  if (unhealthy.length > 0) throw await unhealthyError(docker, unhealthy, waitedMs);
  if (services.includes('gateway')) await probeGateway(settings);
  if (services.includes('grafana') && services.includes('prometheus')) await queryGrafana(settings);
  return last;
}
async function unhealthyError(
  docker: DockerClient,
  unhealthy: readonly ServiceStatus[],
  waitedMs: number,
): Promise<UserError> {
  const parts = await Promise.all(
    unhealthy.map(async ({ service, container, health }) => {
      const line = `${service}: not healthy after ${Math.round(waitedMs / 1000)} s (got ${health})`;
      if (health === 'missing') return line;
      return `${line}; its last lines:\n${await docker.logs(container)}`;
    }),
  );
  const env = unhealthy[0]?.env ?? '';
  return new UserError('E_UNHEALTHY', parts.join('\n'), `Fix the cause, then run ./gatewayctl up ${env}.`);
}
/** One request to the published address shows that the whole stack answers. */
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
  // An answer that breaks off is still one that says no.
  const text = (await answer.text().catch((error: Error) => error.message)).slice(0, 500);
  throw new UserError(
    'E_NOT_READY',
    `${url}: HTTP ${answer.status} (got ${text})`,
    `Run ./gatewayctl status ${settings.env}.`,
  );
}
