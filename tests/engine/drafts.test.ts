import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../host/process.ts';
import { accounts, ownerOf, shellOf, tearDownShell } from '../helpers/account.ts';
import { eventually, gatewayctl, type Shell, shellEnvironment } from '../helpers/engine.ts';
import { killTree, startGatewayctl } from '../helpers/killed.ts';
import { modesOf, modeTable } from '../helpers/modes.ts';

/** Where a verb is killed, and the temporary file that is then left. */
const kills: readonly (readonly [args: readonly string[], step: string, draft: string])[] = [
  [['rotate', 'dev', 'WORKER_TOKEN'], 'before renameSync rotation.json', 'secrets/rotation.json.<pid>.new'],
  [['rotate', 'dev', 'WORKER_TOKEN'], 'before renameSync .env', '.env.<pid>.new'],
  [['up', 'dev'], 'before renameSync last-deploy.json', 'logs/last-deploy.json.<pid>.new'],
];

describe.each(accounts)('temporary files, as %s', (account) => {
  let shell: Shell;
  let elsewhere: string;

  beforeAll(async () => {
    const made = await shellOf(account, 'drafts', '000');
    // The default directory for temporary files.
    elsewhere = join(made.root, 'tmp');
    mkdirSync(elsewhere);
    await run(['chown', ownerOf(account), elsewhere]);
    shell = { ...made, env: { ...shellEnvironment(made), TMPDIR: elsewhere } };
    await gatewayctl(shell, ['up', 'dev']);
  });

  afterAll(async () => {
    await tearDownShell(shell, 'dev');
  });

  /** Temporary files and directories of the instance, with their modes. */
  const drafts = () => {
    const dir = join(shell.root, 'dev');
    return readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .filter((path) => !path.startsWith('data/') && path.endsWith('.new'))
      .map(
        (path) => `${path.replace(/\d+\.new$/, '<pid>.new')} ${(statSync(join(dir, path)).mode & 0o777).toString(8)}`,
      );
  };

  test('are only in the instance, readable by their owner alone, and the next run removes what a kill left', async () => {
    for (const [args, step, draft] of kills) {
      const preload = `--import=${join(shell.checkout.dir, 'tests/helpers/kill-at.ts')}`;
      const env = { ...shell.env, NODE_OPTIONS: preload, KILL_AT: step };
      const killed = startGatewayctl({ ...shell, env }, args);
      await killed.ended;
      expect(killed.child.signalCode, killed.output()).toBe('SIGKILL');
      // Of this kill only: those of the previous one are gone.
      expect(drafts()).toEqual([`${draft} 600`]);
      expect(readdirSync(elsewhere)).toEqual([]);
    }
    const inDeploy = startGatewayctl(shell, ['up', 'dev']);
    await eventually(
      'Pulumi writes its events',
      60_000,
      async () => drafts().some((path) => path.startsWith('state/run.')) || undefined,
    );
    killTree(inDeploy.child.pid ?? 0);
    await inDeploy.ended;
    expect(drafts()).toEqual(['state/run.<pid>.new 700']);
    await gatewayctl(shell, ['up', 'dev']);
    expect(drafts()).toEqual([]);
    expect(modesOf(join(shell.root, 'dev'))).toEqual(modeTable(ownerOf(account)));
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});
