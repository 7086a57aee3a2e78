import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { putEnvValue } from '../../instance/env-edit.ts';
import { type Phase, reached } from '../faults/phases.ts';
import { containersOf, docker, gatewayctl, inStackShell, makeShell, type Shell, tearDown } from '../helpers/engine.ts';
import { setGatewayVersion } from '../helpers/gateway-version.ts';
import { killTree, startGatewayctl } from '../helpers/killed.ts';
import { completeTask, fetchResult, sha256, workerOf } from '../helpers/worker.ts';

const project = 'taxlien-gateway-dev';
const services = ['db', 'gateway', 'grafana', 'prometheus', 'redis'];

describe('a deploy that is stopped in the middle', () => {
  let shell: Shell;
  let taskId: string;
  const result = new TextEncoder().encode('kept through every kill');

  let changes = 0;
  /** A new gateway, and new limits for a container that keeps data. */
  const change = () => {
    changes += 1;
    setGatewayVersion(shell.checkout.dir, `3.0.${changes}`);
    putEnvValue(join(shell.root, 'dev/.env'), 'REDIS_MEMORY_MIB', `${300 + changes}`);
  };

  const expectWhole = async () => {
    const { stdout, stderr } = await gatewayctl(shell, ['up', 'dev']);
    const containers = await containersOf(project);
    expect(Object.keys(containers).sort(), stdout + stderr).toEqual(services);
    expect(Object.values(containers).map(({ State }) => State.Health.Status)).toEqual(services.map(() => 'healthy'));
    const all = (await docker('ps', '--all', '--format', '{{.Names}}')).split('\n');
    expect(all.sort()).toEqual(services.map((service) => `${project}-${service}`).sort());
    const preview = await inStackShell(shell, 'dev', ['pulumi', 'preview', '--expect-no-changes']);
    expect(preview.exitCode, preview.stdout + preview.stderr).toBe(0);
    expect(sha256(await fetchResult(workerOf(shell.root, 'dev'), taskId))).toBe(sha256(result));
    return stderr;
  };

  beforeAll(async () => {
    shell = await makeShell('killed');
    await gatewayctl(shell, ['up', 'dev']);
    taskId = await completeTask(workerOf(shell.root, 'dev'), result);
  });

  afterAll(async () => {
    await tearDown(shell, 'dev');
  });

  test('a second up prints who holds the instance, and changes nothing', async () => {
    change();
    const first = startGatewayctl(shell, ['up', 'dev']);
    await sleep(1_500);
    const second = await gatewayctl(shell, ['up', 'dev'], 'any');
    expect(second.exitCode).toBe(1);
    expect(second.stderr).toMatch(
      /dev\/lock: held by process \d+ since \d{4}-\S+Z \(up dev by \S+, boot [0-9a-f-]{36}\)\nWait until it ends; see it: ps -p \d+\./,
    );
    const third = await gatewayctl(shell, ['up', 'dev', '--wait']);
    expect(third.stderr).toContain('waiting for process');
    expect(await first.ended, first.output()).toBe(0);
    await expectWhole();
  });

  test.each<Phase>(['build', 'swap'])(
    'SIGKILL of the whole tree at the %s: the next up repairs everything',
    async (phase) => {
      change();
      const killed = startGatewayctl(shell, ['up', 'dev']);
      await reached(killed, phase);
      killTree(killed.child.pid ?? 0);
      expect(await killed.ended, killed.output()).toBe(null);
      await expectWhole();
    },
  );

  test('SIGTERM lets pulumi end in order and leaves no lock', async () => {
    change();
    const stopped = startGatewayctl(shell, ['up', 'dev']);
    await reached(stopped, 'prove');
    stopped.child.kill('SIGTERM');
    expect(await stopped.ended, stopped.output()).toBe(1);
    const stderr = await expectWhole();
    expect(stderr).not.toContain('recovered: removed the lock');
  });

  test('a truncated state is replaced by the newest good copy', async () => {
    const state = join(shell.root, 'dev/state/.pulumi/stacks/taxlien-gateway/dev.json');
    truncateSync(state, Math.floor(readFileSync(state).length / 2));
    const stderr = await expectWhole();
    expect(stderr).toMatch(
      /recovered: the state was missing or truncated; restored \S+\/dev\/state\/\.pulumi\/backups\/\S+\.json/,
    );
  });
});
