import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { isDaemonAnswering, resolveDockerHost } from '../../../docker/host.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

describe('the address of the daemon', () => {
  test('is DOCKER_HOST where that is set', async () => {
    expect(await resolveDockerHost({ DOCKER_HOST: 'tcp://10.0.0.4:2376' })).toBe('tcp://10.0.0.4:2376');
  });

  test('is the standard socket where no docker client can be asked for its context', async () => {
    vi.stubEnv('PATH', temporaryDir());
    expect(await resolveDockerHost({ DOCKER_HOST: '' })).toBe('unix:///var/run/docker.sock');
  });
});

test('a socket that is not there and one that is no daemon do not answer', async () => {
  const dir = temporaryDir();
  const server = createServer((_, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => server.listen(join(dir, 'other.sock'), resolve));
  onTestFinished(() => void server.close());
  const answers = await Promise.all(
    ['none.sock', 'other.sock'].map((name) => isDaemonAnswering(`unix://${join(dir, name)}`)),
  );
  expect(answers).toEqual([false, false]);
});
