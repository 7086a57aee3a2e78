import { isIP } from 'node:net';
import type { DockerClient } from '../../docker/client.ts';
import { containerName, environmentLabel } from '../../docker/names.ts';
import { findingText, UserError } from '../../host/errors.ts';
import type { Progress } from '../../host/output.ts';
import { type Clock, systemClock, waitUntil } from '../../host/wait.ts';
import { bindError } from '../../preflight/bind-ip.ts';
import { dataDirectories } from '../../preflight/data.ts';
import type { Settings } from '../../settings/load.ts';
import { type ServiceName, services } from '../../settings/services.ts';
import { waitUntilReady } from '../deploy/ready.ts';

/** The fields of `docker container inspect` that are read here. */
export interface BootContainer {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Status: string; readonly Error: string };
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null };
  readonly HostConfig: {
    readonly PortBindings: Readonly<Record<string, readonly { readonly HostIp: string }[]>> | null;
  };
}

/** Each group must be healthy before the next one starts. */
const startOrder: readonly (readonly ServiceName[])[] = [
  ['db', 'redis'],
  ['gateway', 'prometheus', 'grafana'],
];

const bootTimeoutMs = 600_000;
const healthTimeoutMs = 180_000;

/** Waits, for ten minutes at most, until a daemon answers. */
export const waitForDaemon = (docker: DockerClient, progress: Progress, clock: Clock = systemClock): Promise<void> =>
  waitFor('the Docker daemon', { progress, clock }, async () =>
    (await docker.isAnswering()) ? undefined : `no answer from ${docker.host}`,
  );

/**
 * Waits for the addresses and the data of an instance, then starts, in `startOrder`, the containers whose start failed
 * when the daemon started. One that was stopped by hand stays stopped.
 * @returns one line for each service
 * @throws UserError E_BOOT_WAIT, E_UNHEALTHY; ProcessError if the daemon refuses a start
 */
export async function startFailed(
  docker: DockerClient,
  settings: Settings,
  progress: Progress,
): Promise<readonly string[]> {
  const containers = await readContainers(docker, settings);
  for (const address of addressesOf(Object.values(containers))) {
    await waitFor(`the address ${address}`, { progress }, () => bindError(address, 0));
  }
  await waitFor('the data', { progress }, () => dataProblem(settings));
  const lines: string[] = [];
  for (const group of startOrder) {
    const run: ServiceName[] = [];
    for (const service of group) {
      const container = containers[service];
      const plan = planFor(container);
      if (plan === 'start' && container !== undefined) await start(docker, container.Id, service, progress);
      if (plan === 'start' || plan === 'runs') run.push(service);
      lines.push(`${service}: ${outcomes[plan]}`);
    }
    if (run.length > 0) {
      await waitUntilReady({ docker, settings, services: run, timeoutMs: healthTimeoutMs }, progress);
    }
  }
  return lines;
}

const outcomes = {
  start: 'started',
  runs: 'is running',
  stopped: 'was stopped by hand and stays stopped',
  missing: 'is not deployed',
} as const;

/** An exited container has an error only if its last start failed. */
export function planFor(container: BootContainer | undefined): keyof typeof outcomes {
  if (container === undefined) return 'missing';
  const { Status, Error: reason } = container.State;
  if (Status !== 'exited' && Status !== 'created') return 'runs';
  return Status === 'exited' && reason !== '' ? 'start' : 'stopped';
}

/** The addresses that containers publish their ports on: those of the last deploy, not of the current `.env`. */
export function addressesOf(containers: readonly BootContainer[]): readonly string[] {
  const bindings = containers.flatMap(({ HostConfig }) => Object.values(HostConfig.PortBindings ?? {}).flat());
  return [...new Set(bindings.map(({ HostIp }) => HostIp))].filter((address) => isIP(address) !== 0).sort();
}

/** This instance's containers, without others of the same name. */
async function readContainers(
  docker: DockerClient,
  settings: Settings,
): Promise<Readonly<Partial<Record<ServiceName, BootContainer>>>> {
  const names = services.map((service) => containerName(settings, service));
  const found = await docker.inspect<BootContainer>('container', names);
  const own = found.filter(({ Config }) => Config.Labels?.[environmentLabel] === settings.env);
  return Object.fromEntries(
    services.flatMap((service) => {
      const container = own.find(({ Name }) => Name === `/${containerName(settings, service)}`);
      return container === undefined ? [] : [[service, container]];
    }),
  );
}

async function start(docker: DockerClient, id: string, service: ServiceName, progress: Progress): Promise<void> {
  progress.step(`starting ${service}`);
  // After a boot, the disk may be slow.
  await docker.call(['container', 'start', id], { timeoutMs: 180_000 });
}

async function dataProblem(settings: Settings): Promise<string | undefined> {
  const findings = await dataDirectories.run({ settings });
  return findings.length === 0 ? undefined : findings.map(findingText).join('\n');
}

/** @param findProblem resolves to `undefined` once there is none */
async function waitFor(
  what: string,
  { progress, clock = systemClock }: { readonly progress: Progress; readonly clock?: Clock },
  findProblem: () => Promise<string | undefined>,
): Promise<void> {
  let isReported = false;
  const { last: problem, waitedMs } = await waitUntil(findProblem, {
    isOver: (found) => found === undefined,
    timeoutMs: bootTimeoutMs,
    firstPauseMs: 500,
    mostPauseMs: 2_000,
    onPause(found, isFirst) {
      isReported = true;
      if (isFirst) progress.step(`waiting for ${what} (${found})`);
      else progress.tick(`waiting for ${what} (${found})`);
    },
    clock,
  });
  if (problem !== undefined) {
    throw new UserError(
      'E_BOOT_WAIT',
      `${what}: not available after ${Math.round(waitedMs / 1000)} s (got ${problem})`,
      'Fix that, then run ./gatewayctl boot start <env>.',
    );
  }
  if (isReported) progress.done(`${what}: available`);
}
