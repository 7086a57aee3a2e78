import type { DockerClient } from '../../docker/client.ts';
import { UserError } from '../../host/errors.ts';
import { type Clock, systemClock, waitUntil } from '../../host/wait.ts';
import type { Settings } from '../../settings/load.ts';
import type { HostStepOf } from './step.ts';

/** A container as `docker container inspect` gives it, with the fields that are read here. */
interface WatchedContainer {
  readonly Created: string;
  readonly RestartCount: number;
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly Health?: {
      readonly Status: string;
      readonly Log: readonly { readonly ExitCode: number; readonly Output: string }[] | null;
    };
  };
}

const healthOf = ({ State }: WatchedContainer) => State.Health?.Status ?? 'none';

/**
 * Why a container will not become healthy by waiting; `undefined` if it may.
 * @param restartsBefore its restart count when the wait began
 */
function failureOf(container: WatchedContainer, restartsBefore: number): string | undefined {
  const { Status, ExitCode, OOMKilled } = container.State;
  const ended = OOMKilled ? 'was killed, out of memory' : `ended (exit ${ExitCode})`;
  if (Status === 'exited' || Status === 'dead') return ended;
  if (Status === 'restarting') return `${ended} and will be started again`;
  // Once it runs again, Docker no longer has its exit code.
  if (container.RestartCount > restartsBefore) return 'ended and was started again';
  return healthOf(container) === 'unhealthy' ? 'is unhealthy' : undefined;
}

// A container of this deploy is first checked right after its creation.
const freshMs = 20_000;

/**
 * Waits until a container is healthy, and fails at once if it exits or becomes unhealthy. One that had failed before this
 * deploy is restarted first: the cause may be gone.
 * @param wallClock milliseconds since the epoch, compared with the daemon's times
 * @throws UserError E_UNHEALTHY with the container's last lines
 */
export async function waitUntilHealthy(
  settings: Settings,
  docker: DockerClient,
  { service, containerId, limitSeconds }: HostStepOf<'healthy'>,
  clock: Clock = systemClock,
  wallClock: () => number = Date.now,
): Promise<void> {
  const read = async () => {
    const [found] = await docker.inspect<WatchedContainer>('container', [containerId]);
    if (found !== undefined) return found;
    throw new UserError(
      'E_UNHEALTHY',
      `${settings.env}: ${service} is gone: there is no container ${containerId}`,
      `Run ./gatewayctl up ${settings.env} again.`,
    );
  };
  let restartsBefore: number | undefined;
  const look = async () => {
    const seen = await read();
    if (restartsBefore !== undefined) return seen;
    const isFresh = wallClock() - Date.parse(seen.Created) < freshMs;
    const hadFailed = !isFresh && healthOf(seen) !== 'healthy' && failureOf(seen, 0) !== undefined;
    // The container's graceful stop may take two minutes.
    if (hadFailed) await docker.call(['restart', containerId], { timeoutMs: 180_000 });
    const begun = hadFailed ? await read() : seen;
    restartsBefore = isFresh ? 0 : begun.RestartCount;
    return begun;
  };
  const failureNow = (container: WatchedContainer) => failureOf(container, restartsBefore ?? 0);
  const { last } = await waitUntil(look, {
    isOver: (seen) => healthOf(seen) === 'healthy' || failureNow(seen) !== undefined,
    timeoutMs: limitSeconds * 1000,
    firstPauseMs: 100,
    mostPauseMs: 250,
    clock,
  });
  if (healthOf(last) === 'healthy') return;
  const reason = failureNow(last) ?? `is not healthy after ${limitSeconds} s (last: ${healthOf(last)})`;
  throw new UserError(
    'E_UNHEALTHY',
    `${settings.env}: ${service} ${reason}; its last lines:\n${await lastLines(docker, containerId, last)}`,
    `Fix the error in these lines, then deploy again.${memoryHint(settings, service, last)}`,
  );
}

const memoryHint = (settings: Settings, service: HostStepOf<'healthy'>['service'], { State }: WatchedContainer) =>
  State.OOMKilled ? ` Its limit is ${settings.memoryMiB[service]} MiB: ${service.toUpperCase()}_MEMORY_MIB.` : '';

async function lastLines(docker: DockerClient, containerId: string, { State }: WatchedContainer): Promise<string> {
  const check = State.Health?.Log?.at(-1);
  const checkLine = check === undefined ? '' : `health check: exit ${check.ExitCode} ${check.Output.trim()}`;
  return [await docker.logs(containerId), checkLine].filter((text) => text !== '').join('\n');
}
