import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

  test('runner check finds what a job of this user would find', async () => {
    const { DOCKER_HOST } = shell.env ?? {};
    const variables = `TAXLIEN_GATEWAY_ROOT=${shell.root}\nDOCKER_HOST=${DOCKER_HOST}\n`;
    writeFiles(join(shell.home ?? '', 'actions-runner'), { '.runner': '{}', '.env': variables });
    const check = () => gatewayctl(shell, ['runner', 'check'], 'any');
    expect(await check()).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^dev: no problems found/) });
    chownSync(join(shell.root, 'dev/.env'), 0, 0);
    expect(await check()).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^E_UNREADABLE /) });
    chownSync(join(shell.root, 'dev/.env'), 1, 1);
  });
});
