import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { jobEnvironment, jobFindings } from '../../../../cli/unattended/runner-check.ts';
import { shownFindings } from '../../../helpers/findings.ts';
import { gatewayctl } from '../../../helpers/gatewayctl.ts';
import { testInstance } from '../../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

/** A runner's directory, and one of programs that its jobs need. */
function makeRunner(files: Readonly<Record<string, string>> = {}) {
  const place = temporaryDir();
  const [dir, bin] = [join(place, 'runner'), join(place, 'bin')];
  // Stand-ins: no job runs them.
  for (const name of ['git', 'npm', 'docker']) {
    writeFiles(bin, { [name]: '#!/bin/sh\nexit 0\n' });
    chmodSync(join(bin, name), 0o755);
  }
  writeFiles(dir, { '.runner': '\uFEFF{}', ...files });
  return { place, dir, bin };
}

const found = (place: string, ...args: Parameters<typeof jobFindings>) =>
  shownFindings(jobFindings(...args), place).join('\n');

test('a job has the PATH of .path and the variables of .env, and nothing that a shell exports', () => {
  const shell = { HOME: '/home/runner', USER: 'runner', PATH: '/nowhere', DOCKER_HOST: 'unix:///shell.sock' };
  const { dir } = makeRunner({ '.path': '\uFEFF/usr/bin\n', '.env': 'LANG=C.UTF-8\nA="b" # c\nno line\n' });
  expect(jobEnvironment(dir, shell)).toEqual({
    HOME: '/home/runner',
    USER: 'runner',
    PATH: '/usr/bin',
    LANG: 'C.UTF-8',
    A: '"b" # c',
  });
  expect(jobEnvironment(makeRunner().dir, shell).PATH).toBe('/nowhere');
  expect(() => jobEnvironment('/nowhere', shell)).toThrow('/nowhere/.runner: no runner is configured there');
});

test('programs that the PATH of a job lacks, and their directory if the shell has them', () => {
  const { place, dir, bin } = makeRunner();
  expect(found(place, dir, { PATH: bin }, '')).toBe('');
  const shown = found(place, dir, { PATH: '/nowhere' }, bin).split('\n');
  expect(shown).toHaveLength(3);
  expect(shown[0]).toMatchInlineSnapshot(
    `"E_RUNNER_PROGRAM error: <root>/runner/.path: has no git (got /nowhere). Every job needs it, and a service does not have the PATH of your shell. printf '%s\\n' "$PATH" > <root>/runner/.path, since this shell has it (<root>/bin/git); then restart the service: ./svc.sh stop && ./svc.sh start"`,
  );
  expect(found(place, dir, { PATH: '/nowhere' }, '')).toContain('Install docker, then run the same command again.');
});

test('a credential helper, whose key chain a service cannot unlock', () => {
  const { place, dir, bin } = makeRunner({ '../home/.docker/config.json': '{"credsStore":"osxkeychain"}' });
  const job = { PATH: bin, HOME: join(place, 'home') };
  expect(found(place, dir, job, '')).toMatchInlineSnapshot(
    `"W_RUNNER_CREDENTIALS warning: <root>/home/.docker/config.json: has a credential helper (got credsStore "osxkeychain"). It uses a key chain that is locked for a service: pulling a public image fails. mkdir -p <root>/runner/docker-config && echo DOCKER_CONFIG=<root>/runner/docker-config >> <root>/runner/.env; then restart the service: ./svc.sh stop && ./svc.sh start"`,
  );
  expect(found(place, dir, { ...job, DOCKER_CONFIG: dir }, '')).toBe('');
});

test('the doctor of each instance runs in the environment of a job', async () => {
  const { place: home, bin } = makeRunner();
  const root = join(home, 'of-jobs');
  const check = () => gatewayctl(home, 'runner', 'check');
  writeFiles(join(home, 'actions-runner'), {
    '.runner': '{}',
    '.path': `${process.env.PATH}:${bin}\n`,
    '.env': `TAXLIEN_GATEWAY_ROOT=${root}\n`,
  });
  expect(await check()).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`${root}: has no instance`) });
  testInstance({ root, text: 'BIND_IP=0.0.0.0\n' });
  const { exitCode, stdout } = await check();
  expect([exitCode, stdout]).toEqual([
    1,
    expect.stringContaining('E_BIND_IP  dev/.env:1 BIND_IP: must be one address'),
  ]);
  writeFiles(home, { 'actions-runner/.path': '/nowhere\n' });
  expect((await check()).stdout.match(/^E_\w+/gm)).toEqual(Array(3).fill('E_RUNNER_PROGRAM'));
});
