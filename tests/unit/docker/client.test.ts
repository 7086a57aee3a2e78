import { chmodSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { DockerClient } from '../../../docker/client.ts';
import { FakeDocker } from '../../helpers/fake-docker.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

/** A client whose `docker` program is this script. */
function clientOf(script: string): DockerClient {
  const dir = temporaryDir();
  writeFiles(dir, { docker: `#!/bin/sh\n${script}\n` });
  chmodSync(join(dir, 'docker'), 0o755);
  vi.stubEnv('PATH', `${dir}:/usr/bin:/bin`);
  return new DockerClient('unix:///x.sock');
}

test("each call begins with the daemon's address", async () => {
  const docker = clientOf('for word in "$@"; do echo "$word"; done; echo');
  expect(await docker.lines(['volume', 'ls', '--filter', 'label=a b'])).toEqual([
    '--host',
    'unix:///x.sock',
    'volume',
    'ls',
    '--filter',
    'label=a b',
  ]);
});

test('a call that takes too long is ended and fails; an exit code fails unless it is allowed', async () => {
  await expect(clientOf('exec sleep 60').call(['info'], { timeoutMs: 50 })).rejects.toMatchObject({
    code: 'E_PROCESS',
    message: 'docker --host unix:///x.sock info: still running after 50 ms, killed',
  });
  const failing = clientOf('cat; echo no >&2; exit 2');
  await expect(failing.call(['pull', 'x'], { timeoutMs: 'unlimited' })).rejects.toThrow(/exit 2\nno$/);
  expect(await failing.call(['cp', '-', 'x:/'], { stdin: 'archive', allowedExitCodes: [2] })).toEqual({
    exitCode: 2,
    stdout: 'archive',
    stderr: 'no\n',
  });
});

test('all filters of a container list apply', async () => {
  const docker = new FakeDocker(() => ({ stdout: 'a\nb\n' }));
  expect(await docker.ps(['status=paused', 'label=x'])).toEqual(['a', 'b']);
  expect(await docker.ps([], '{{.Names}}')).toEqual(['a', 'b']);
  expect(docker.calls).toEqual([
    'ps --all --no-trunc --format {{.ID}} --filter status=paused --filter label=x',
    'ps --all --no-trunc --format {{.Names}}',
  ]);
});

const warning = 'WARNING: Error loading config file: /root/.docker/config.json: permission denied\n';

test.each([
  ['all', { exitCode: 0, stdout: '[{"Id":"x"}]\n' }, [{ Id: 'x' }]],
  ['all, and a warning', { exitCode: 0, stdout: '[{"Id":"x"}]\n', stderr: warning }, [{ Id: 'x' }]],
  [
    'some, and a warning',
    {
      exitCode: 1,
      stdout: '[{"Id":"x"}]\n',
      stderr: `${warning}Error: No such container: a\nError response from daemon: No such image: b\n`,
    },
    [{ Id: 'x' }],
  ],
  ['none, without a list', { exitCode: 1, stdout: '', stderr: 'Error: No such object: a\n' }, []],
  [
    'no network and no volume',
    {
      exitCode: 1,
      stdout: '[]\n',
      stderr: 'Error response from daemon: network a not found\nError response from daemon: get b: no such volume\n',
    },
    [],
  ],
])('the requested objects that exist: %s', async (_, answer, wanted) => {
  expect(await new FakeDocker(() => answer).inspect('container', ['a', 'b'])).toEqual(wanted);
});

test.each([
  [
    'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?',
    'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?',
  ],
  [
    `${warning}error during connect: dial unix /x: connect: no such file or directory`,
    'error during connect: dial unix /x: connect: no such file or directory',
  ],
  [warning, 'exit 1'],
  ['', 'exit 1'],
])('a failed call is not taken for a missing object: %s', async (stderr, got) => {
  const docker = new FakeDocker(() => ({ exitCode: 1, stdout: '[]\n', stderr }));
  await expect(docker.inspect('container', ['a'])).rejects.toMatchObject({
    code: 'E_DAEMON',
    message: `docker: no answer from unix:///fake.sock (got ${got})`,
  });
});

test('no call for an empty list', async () => {
  expect(await new FakeDocker(() => undefined).inspect('image', [])).toEqual([]);
});

test("the last lines of a container, or docker's message if there are none", async () => {
  const docker = new FakeDocker(([, , , name]) =>
    name === 'db' ? { stdout: 'out\n', stderr: 'err\n' } : { exitCode: 1, stderr: 'No such container: x\n' },
  );
  expect([await docker.logs('db'), await docker.logs('x')]).toEqual(['out\nerr', 'No such container: x']);
});

test('a socket that is not there and one that is no daemon do not answer', async () => {
  const dir = temporaryDir();
  const server = createServer((_, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => server.listen(join(dir, 'other.sock'), resolve));
  onTestFinished(() => void server.close());
  const answers = ['none.sock', 'other.sock'].map((name) =>
    new DockerClient(`unix://${join(dir, name)}`).isAnswering(),
  );
  expect(await Promise.all(answers)).toEqual([false, false]);
});
