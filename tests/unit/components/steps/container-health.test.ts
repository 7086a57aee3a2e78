import { expect, test } from 'vitest';
import { waitUntilHealthy } from '../../../../components/steps/container-health.ts';
import type { UserError } from '../../../../host/errors.ts';
import { fakeClock } from '../../../helpers/fake-clock.ts';
import { FakeDocker } from '../../../helpers/fake-docker.ts';
import { testSettings } from '../../../helpers/instance.ts';

/** What may differ between two checks of a container. */
interface Seen {
  readonly status?: string;
  readonly health?: string;
  readonly exitCode?: number;
  readonly isOutOfMemory?: boolean;
  readonly restarts?: number;
  /** How long this check takes. */
  readonly tookMs?: number;
}

const createdMs = Date.parse('2026-01-01T00:00:00Z');

const inspected = ({
  status = 'running',
  health = 'starting',
  exitCode = 0,
  isOutOfMemory = false,
  restarts = 0,
}: Seen) =>
  JSON.stringify([
    {
      Created: '2026-01-01T00:00:00Z',
      RestartCount: restarts,
      State: {
        Status: status,
        ExitCode: exitCode,
        OOMKilled: isOutOfMemory,
        Health: {
          Status: health,
          Log: [
            { ExitCode: 0, Output: '' },
            { ExitCode: 1, Output: 'refused\n' },
          ],
        },
      },
    },
  ]);

/** Waits for a container with these states in order; the last one repeats. */
async function watched(looks: readonly Seen[], ageMs = 1_000) {
  const clock = fakeClock();
  let count = 0;
  const docker = new FakeDocker(([command]) => {
    if (command === 'logs') return { stdout: 'panic: no\n' };
    if (command === 'restart') return {};
    const seen = looks[Math.min(count++, looks.length - 1)];
    if (seen === undefined) return { exitCode: 1, stdout: '[]\n', stderr: 'Error: No such container: abc\n' };
    clock.add(seen.tookMs ?? 0);
    return { stdout: inspected(seen) };
  });
  const step = { step: 'healthy', env: 'dev', service: 'gateway', containerId: 'abc', limitSeconds: 90 } as const;
  const error = await waitUntilHealthy(testSettings(), docker, step, clock, () => createdMs + ageMs).catch(
    (caught: unknown) => caught as UserError,
  );
  return {
    text: error && `${error.code} ${error.message} ${error.fix}`,
    changes: docker.calls.filter((call) => !/^(container inspect|logs) /.test(call)),
    looks: count,
    waitedMs: clock.now(),
  };
}

const facts =
  '; its last lines:\npanic: no\nhealth check: exit 1 refused Fix the error in these lines, then deploy again.';

test('a container that gets healthy is waited for', async () => {
  const wanted = { text: undefined, changes: [], looks: 3, waitedMs: 300 };
  expect(await watched([{}, {}, { health: 'healthy' }])).toEqual(wanted);
});

test.each<readonly [Seen, string]>([
  [{ status: 'exited', exitCode: 2 }, `E_UNHEALTHY dev: gateway ended (exit 2)${facts}`],
  [
    { status: 'exited', exitCode: 137, isOutOfMemory: true },
    `E_UNHEALTHY dev: gateway was killed, out of memory${facts} Its limit is 256 MiB: GATEWAY_MEMORY_MIB.`,
  ],
  [{ restarts: 1 }, `E_UNHEALTHY dev: gateway ended and was started again${facts}`],
  [{ status: 'restarting', exitCode: 2 }, `E_UNHEALTHY dev: gateway ended (exit 2) and will be started again${facts}`],
  [{ health: 'unhealthy' }, `E_UNHEALTHY dev: gateway is unhealthy${facts}`],
])('%o fails at once', async (seen, text) => {
  expect(await watched([{}, seen])).toEqual({ text, changes: [], looks: 2, waitedMs: 100 });
  // Also if it is so at the first check.
  expect((await watched([seen])).text).toBe(text);
});

test('one that stays starting fails at the limit', async () => {
  const { text, waitedMs } = await watched([{}]);
  expect(text).toBe(`E_UNHEALTHY dev: gateway is not healthy after 90 s (last: starting)${facts}`);
  expect(waitedMs).toBe(90_000);
});

test('the limit is elapsed time, even if the daemon takes long for each answer', async () => {
  const { looks, waitedMs } = await watched([{ tookMs: 10_000 }]);
  // Nine checks of 10 s, and eight pauses of 100, 200 and then 250 ms.
  expect([looks, waitedMs]).toEqual([9, 91_800]);
});

test('one that was removed meanwhile is named', async () => {
  expect((await watched([])).text).toBe(
    'E_UNHEALTHY dev: gateway is gone: there is no container abc Run ./gatewayctl up dev again.',
  );
});

test('one that was unhealthy before this deploy is restarted, once', async () => {
  const unhealthy = { health: 'unhealthy', restarts: 3 };
  expect(await watched([unhealthy, {}, { health: 'healthy' }], 60_000)).toEqual({
    text: undefined,
    changes: ['restart abc'],
    looks: 3,
    waitedMs: 100,
  });
  expect((await watched([unhealthy, {}, unhealthy], 60_000)).text).toContain('and was started again');
});

test('one that is healthy now is left alone, even if it had ended some time ago', async () => {
  const wanted = { text: undefined, changes: [], looks: 1, waitedMs: 0 };
  expect(await watched([{ health: 'healthy', restarts: 3 }], 60_000)).toEqual(wanted);
});
