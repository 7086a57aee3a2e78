import { expect, test, vi } from 'vitest';
import { DockerClient, type ObjectKind } from '../../docker/client.ts';
import { resolveDockerHost } from '../../docker/host.ts';
import { docker } from '../helpers/engine.ts';
import { temporaryDir, writeFiles } from '../helpers/temporary.ts';

const kinds: readonly ObjectKind[] = ['container', 'image', 'network', 'volume'];

/** Without and with a configuration that the docker program warns about, on the stream that also names missing objects. */
test.each([
  ['a docker program without warnings', '{}'],
  ['one that cannot read its configuration', '{"auths":'],
])('a missing object is distinguished from a daemon that does not answer, by %s', async (_, config) => {
  const dir = temporaryDir();
  writeFiles(dir, { 'config.json': config });
  vi.stubEnv('DOCKER_CONFIG', dir);
  const client = new DockerClient(await resolveDockerHost());
  const volume = await docker('volume', 'create');
  try {
    for (const kind of kinds) expect(await client.inspect(kind, ['no-such-object']), kind).toEqual([]);
    expect(await client.inspect('volume', ['no-such-object', volume])).toMatchObject([{ Name: volume }]);
  } finally {
    await docker('volume', 'rm', volume);
  }
  const none = new DockerClient(`unix://${dir}/no.sock`);
  for (const kind of kinds) {
    await expect(none.inspect(kind, ['no-such-object']), kind).rejects.toMatchObject({
      code: 'E_DAEMON',
      message: expect.not.stringContaining('WARNING'),
    });
  }
});
