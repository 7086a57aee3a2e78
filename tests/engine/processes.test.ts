import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { accounts, shellOf, tearDownShell } from '../helpers/account.ts';
import { eventually, gatewayctl, makeShell, type Shell } from '../helpers/engine.ts';
import { startGatewayctl } from '../helpers/killed.ts';
import { processesWith } from '../helpers/leaks.ts';

/** Verbs that start processes and leave the environment deployed. */
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

/** A test that does not end, and an orphan that ignores SIGTERM, as Pulumi's language host is after a killed gatewayctl. */
const endlessTest = `
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'vitest';

test('does not end', async () => {
  const deaf = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('deaf')";
  const child = spawn(process.execPath, ['-e', deaf], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.once('data', () => writeFileSync('instances-dir', process.env.TEST_INSTANCES_DIR));
  await new Promise(() => {});
});
`;

test('a stopped test run leaves no process and no engine', async () => {
  const shell = await makeShell('interrupted');
  const { checkout } = shell;
  onTestFinished(() => checkout.remove());
  const file = 'tests/engine/endless.test.ts';
  writeFileSync(join(checkout.dir, file), endlessTest);
  const started = startGatewayctl(shell, ['test', 'engine', '--filter', file]);
  const note = join(checkout.dir, 'instances-dir');
  await eventually('the test is at work', 240_000, async () => existsSync(note) || !started.isRunning() || undefined);
  const dir = readFileSync(note, 'utf8');
  expect(processesWith(`TEST_INSTANCES_DIR=${dir}`).join('\n')).toContain('deaf');
  started.child.kill('SIGTERM');
  expect(await started.ended, started.output()).not.toBe(0);
  expect(processesWith(`TEST_INSTANCES_DIR=${dir}`)).toEqual([]);
  expect(existsSync(dirname(dir))).toBe(false);
});

describe.each(accounts)('what a verb starts, as %s', (account) => {
  let shell: Shell;

  beforeAll(async () => {
    shell = await shellOf(account, 'processes', '022');
    await gatewayctl(shell, ['up', 'dev']);
  });

  afterAll(async () => {
    await tearDownShell(shell, 'dev');
  });

  // Not the start of gatewayctl itself, which searches for Node.
  const isAtWork = () => own().some((argv) => /(^|\/)(docker|pulumi|git|sleep) /.test(argv));
  const own = () => processesWith(`TAXLIEN_GATEWAY_ROOT=${shell.root}`);

  test.each(verbs)('ends with %s %s %s, also after SIGTERM and SIGINT', async (...args) => {
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
