import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunnerReport } from '../../cli/unattended/runner-check.ts';
import { shellOf, tearDownShell } from '../helpers/account.ts';
import { containerIds, containersOf, gatewayctl, type Shell } from '../helpers/engine.ts';
import { writeFiles } from '../helpers/temporary.ts';
import { completeTask, fetchResult, sha256, workerOf } from '../helpers/worker.ts';

const project = 'taxlien-gateway-dev';

describe('an ordinary user in the docker group', () => {
  let shell: Shell;

  beforeAll(async () => {
    shell = await shellOf('an ordinary user in the docker group', 'user', '022');
  });

  afterAll(async () => {
    await tearDownShell(shell, 'dev');
  });

  test('deploys, finds nothing to do, and destroys', async () => {
    await gatewayctl(shell, ['up', 'dev']);
    const before = await containerIds(project);
    expect(Object.keys(before)).toHaveLength(5);
    const worker = workerOf(shell.root, 'dev');
    const body = new TextEncoder().encode('as an ordinary user');
    const id = await completeTask(worker, body);
    expect(sha256(await fetchResult(worker, id))).toBe(sha256(body));
    const second = await gatewayctl(shell, ['up', 'dev']);
    expect(second.stdout).not.toMatch(/\d+ (created|updated|replaced|deleted)/);
    expect(await containerIds(project)).toEqual(before);
    await gatewayctl(shell, ['destroy', 'dev', '--yes']);
    expect(await containersOf(project)).toEqual({});
  });

  test('runner check, as a job of this user would find it', async () => {
    const dir = join(shell.home ?? '', 'actions-runner');
    writeFiles(dir, { '.runner': '{"agentName":"web-1","gitHubUrl":"https://github.com/example/gateway"}' });
    chownSync(join(dir, '.runner'), 1, 1);
    const check = async () => {
      const { exitCode, stdout } = await gatewayctl(shell, ['runner', 'check', '--json'], 'any');
      const report = JSON.parse(stdout) as RunnerReport;
      return { exitCode, ...report, findings: report.findings.map(({ code }) => code) };
    };
    expect(await check()).toEqual({
      exitCode: 0,
      directory: dir,
      runner: { agentName: 'web-1', gitHubUrl: 'https://github.com/example/gateway' },
      user: 'daemon',
      dockerHost: shell.env?.DOCKER_HOST,
      root: shell.root,
      instances: ['dev'],
      findings: ['W_RUNNER_SERVICE', 'W_RUNNER_BOOT'],
    });
    chownSync(join(dir, '.runner'), 0, 0);
    chownSync(join(shell.root, 'dev'), 0, 0);
    expect(await check()).toMatchObject({
      exitCode: 1,
      findings: ['E_RUNNER_USER', 'W_RUNNER_SERVICE', 'E_RUNNER_INSTANCE'],
    });
    chownSync(join(shell.root, 'dev'), 1, 1);
  });
});
