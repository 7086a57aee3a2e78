import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../host/errors.ts';
import { run } from '../../host/process.ts';
import type { Settings } from '../../settings/load.ts';
import type { ServiceName } from '../../settings/services.ts';

/** What the daemon says of one container. */
export interface ContainerState {
  readonly status: string;
  /** `none` without a health check. */
  readonly health: string;
  readonly exitCode: number;
  readonly isOutOfMemory: boolean;
  readonly restarts: number;
  /** Milliseconds since the epoch. */
  readonly createdMs: number;
}

const format =
  '{"status":{{json .State.Status}},"health":{{if .State.Health}}{{json .State.Health.Status}}{{else}}"none"{{end}},' +
  '"exitCode":{{json .State.ExitCode}},"isOutOfMemory":{{json .State.OOMKilled}},"restarts":{{json .RestartCount}},' +
  '"createdAt":{{json .Created}}}';

async function readState(containerId: string): Promise<ContainerState> {
  const { stdout } = await run(['docker', 'container', 'inspect', '--format', format, containerId]);
  const { createdAt, ...state } = JSON.parse(stdout) as Omit<ContainerState, 'createdMs'> & { createdAt: string };
  return { ...state, createdMs: Date.parse(createdAt) };
}

/** Why a container will not get healthy by waiting longer; `undefined` where it may. */
export function illness(before: ContainerState, now: ContainerState): string | undefined {
  const ended = now.isOutOfMemory ? 'was killed, out of memory' : `ended (exit ${now.exitCode})`;
  if (now.status === 'exited' || now.status === 'dead') return ended;
  if (now.status === 'restarting') return `${ended} and will be started again`;
  // Running again, it shows no exit code any more.
  if (now.restarts > before.restarts) return 'ended and was started again';
  return now.health === 'unhealthy' ? 'is unhealthy' : undefined;
}

/** What the waiting needs of the world around it. */
export interface HealthWatch {
  readonly read: (containerId: string) => Promise<ContainerState>;
  readonly docker: (...args: readonly string[]) => Promise<string>;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

const realWatch: HealthWatch = {
  read: readState,
  docker: async (...args) => {
    const { stdout, stderr } = await run(['docker', ...args], { allowedExitCodes: 'any' });
    return `${stdout}${stderr}`;
  },
  now: Date.now,
  sleep,
};

const pollMs = 250;
// A container of this deploy is looked at as soon as it is made.
const freshMs = 20_000;

/**
 * Waits until a container is healthy, and fails at once where it ends or turns unhealthy. One that was ill before this
 * deploy is started anew first: what made it ill may be mended.
 * @throws UserError E_UNHEALTHY with the container's last lines
 */
export async function waitUntilHealthy(
  settings: Settings,
  service: ServiceName,
  containerId: string,
  limitSeconds: number,
  watch: HealthWatch = realWatch,
): Promise<void> {
  const startedMs = watch.now();
  let before = await watch.read(containerId);
  if (startedMs - before.createdMs < freshMs) before = { ...before, restarts: 0 };
  else if (before.health === 'unhealthy' || before.status !== 'running' || before.restarts > 0) {
    await watch.docker('restart', containerId);
    before = await watch.read(containerId);
  }
  for (let now = before; now.health !== 'healthy'; now = await watch.read(containerId)) {
    const waitedMs = watch.now() - startedMs;
    const isLate = waitedMs > limitSeconds * 1000;
    const reason = illness(before, now) ?? (isLate ? `is not healthy after ${limitSeconds} s` : undefined);
    if (reason !== undefined) {
      throw new UserError(
        'E_UNHEALTHY',
        `${settings.env}: ${service} ${reason}; its last lines:\n${await lastWords(containerId, watch)}`,
        `Mend what the lines name, then deploy again.${memoryHint(settings, service, now)}`,
      );
    }
    await watch.sleep(pollMs);
  }
}

const memoryHint = (settings: Settings, service: ServiceName, { isOutOfMemory }: ContainerState) =>
  isOutOfMemory ? ` Its limit is ${settings.memoryMiB[service]} MiB: ${service.toUpperCase()}_MEMORY_MIB.` : '';

async function lastWords(containerId: string, { docker }: HealthWatch): Promise<string> {
  const checks = '{{with .State.Health}}{{range .Log}}health check: exit {{.ExitCode}} {{.Output}}\n{{end}}{{end}}';
  const lastCheck = (await docker('container', 'inspect', '--format', checks, containerId)).trim().split('\n').at(-1);
  const logs = (await docker('logs', '--tail', '20', containerId)).trim();
  return [...(logs === '' ? [] : [logs]), ...(lastCheck ? [lastCheck] : [])].join('\n');
}
