import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accounts, shellOf, tearDownShell } from '../helpers/account.ts';
import { eventually, gatewayctl, type Shell } from '../helpers/engine.ts';
import { startGatewayctl } from '../helpers/killed.ts';
import { processesWith } from '../helpers/leaks.ts';

/** Verbs that start processes, each with what it leaves an environment that is deployed. */
const verbs: readonly (readonly string[])[] = [
  ['status', 'dev'],
  ['doctor', 'dev'],
  ['verify', 'dev'],
  ['env', 'dev'],
  ['preview', 'dev'],
  ['drift', 'dev'],
  ['refresh', 'dev'],
  ['recover', 'dev'],
  ['rotate', 'dev', 'WORKER_TOKEN'],
  ['up', 'dev'],
  ['exec', '--', 'sleep', '10'],
];

describe.each(accounts)('what a verb starts, as %s', (account) => {
  let shell: Shell;

  beforeAll(async () => {
    shell = await shellOf(account, 'processes', '022');
    await gatewayctl(shell, ['up', 'dev']);
  });

  afterAll(async () => {
    await tearDownShell(shell, 'dev');
  });

  // Not the start of gatewayctl itself, which looks for Node.
  const isAtWork = () => own().some((argv) => /(^|\/)(docker|pulumi|git|sleep) /.test(argv));
  const own = () => processesWith(`TAXLIEN_GATEWAY_ROOT=${shell.root}`);

  test.each(verbs)('ends with %s %s %s, also where it is told to stop', async (...args) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const started = startGatewayctl(
        shell,
        args.filter((arg) => arg !== undefined),
      );
      await eventually('the verb is at work', 60_000, async () => isAtWork() || !started.isRunning() || undefined);
      started.child.kill(signal);
      await started.ended;
      expect(own(), `${args.join(' ')} after ${signal}: ${started.output()}`).toEqual([]);
    }
    if (args[0] === 'exec') return;
    await gatewayctl(shell, args, 'any');
    expect(own(), args.join(' ')).toEqual([]);
  });
});
