import { expect, test } from 'vitest';
import { type ContainerState, waitUntilHealthy } from '../../../../components/steps/container-health.ts';
import type { UserError } from '../../../../host/errors.ts';
import { testSettings } from '../../../helpers/instance.ts';

const running: ContainerState = {
  status: 'running',
  health: 'starting',
  exitCode: 0,
  isOutOfMemory: false,
  restarts: 0,
  createdMs: 1_000_000,
};

/** Waits for a container that shows these states one after the other, the last one for ever. */
async function watched(states: readonly Partial<ContainerState>[], ageMs = 1_000) {
  let nowMs = running.createdMs + ageMs;
  const startMs = nowMs;
  const asked: string[] = [];
  let looks = 0;
  const error = await waitUntilHealthy(testSettings(), 'gateway', 'abc', 90, {
    read: async () => ({ ...running, ...states[Math.min(looks++, states.length - 1)] }),
    docker: async (...args) => {
      asked.push(args[0] ?? '');
      return args[0] === 'logs' ? 'panic: no\n' : 'health check: exit 1 refused\n';
    },
    now: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
  }).catch((caught: unknown) => caught as UserError);
  return { text: error && `${error.code} ${error.message} ${error.fix}`, asked, waitedMs: nowMs - startMs };
}

const facts = '; its last lines:\npanic: no\nhealth check: exit 1 refused Mend what the lines name, then deploy again.';

test('a container that gets healthy is waited for', async () => {
  expect(await watched([{}, {}, { health: 'healthy' }])).toEqual({ text: undefined, asked: [], waitedMs: 500 });
});

test.each<readonly [Partial<ContainerState>, string]>([
  [{ status: 'exited', exitCode: 2 }, `E_UNHEALTHY dev: gateway ended (exit 2)${facts}`],
  [
    { status: 'exited', exitCode: 137, isOutOfMemory: true },
    `E_UNHEALTHY dev: gateway was killed, out of memory${facts} Its limit is 256 MiB: GATEWAY_MEMORY_MIB.`,
  ],
  [{ restarts: 1 }, `E_UNHEALTHY dev: gateway ended and was started again${facts}`],
  [{ status: 'restarting', exitCode: 2 }, `E_UNHEALTHY dev: gateway ended (exit 2) and will be started again${facts}`],
  [{ health: 'unhealthy' }, `E_UNHEALTHY dev: gateway is unhealthy${facts}`],
])('%o fails at once', async (state, text) => {
  expect(await watched([{}, state])).toEqual({ text, asked: ['container', 'logs'], waitedMs: 250 });
  // One that was already so when first looked at.
  expect((await watched([state])).text).toBe(text);
});

test('one that does neither fails at the limit', async () => {
  const { text, waitedMs } = await watched([{}]);
  expect(text).toBe(`E_UNHEALTHY dev: gateway is not healthy after 90 s${facts}`);
  expect(waitedMs).toBe(90_250);
});

test('one that was ill before this deploy is started anew, once', async () => {
  const ill = { health: 'unhealthy', restarts: 3 };
  expect(await watched([ill, { restarts: 0 }, { health: 'healthy' }], 60_000)).toEqual({
    text: undefined,
    asked: ['restart'],
    waitedMs: 250,
  });
  expect((await watched([ill, { restarts: 0 }, ill], 60_000)).text).toContain('and was started again');
});
