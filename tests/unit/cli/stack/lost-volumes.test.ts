import { describe, expect, test } from 'vitest';
import { restoreVolumes } from '../../../../cli/stack/lost-volumes.ts';
import type { Stack } from '../../../../cli/stack/stack.ts';
import type { StateResource } from '../../../../cli/stack/state-files.ts';
import { FakeDocker } from '../../../helpers/fake-docker.ts';
import { testSettings } from '../../../helpers/instance.ts';

const volume = (id: string): StateResource => ({ type: 'docker:index/volume:Volume', id });
const list = 'volume ls --format {{.Name}}';

/** A daemon with these volumes that cannot create `refused`. */
function daemonWith(there: readonly string[], refused?: string) {
  const settings = testSettings();
  const docker = new FakeDocker(([, verb, ...args]) => {
    if (verb === 'ls') return { stdout: there.map((name) => `${name}\n`).join('') };
    return args.at(-1) === refused ? { exitCode: 1, stderr: 'Error response from daemon: no space left\n' } : {};
  });
  const restore = (resources: readonly StateResource[]) =>
    restoreVolumes({ engine: { docker } } as unknown as Stack, settings, resources);
  const creation = (name: string) =>
    `volume create --driver local --opt type=none --opt o=bind --opt device=${settings.dataDir}/${name}` +
    ` --label com.docker.compose.project=taxlien-gateway-dev --label taxlien-gateway.environment=dev taxlien-gateway-dev_${name}`;
  return { settings, docker, restore, creation };
}

describe('volumes that the daemon has lost', () => {
  test('are created with the options of a deploy, if the state contains them', async () => {
    const { settings, docker, restore, creation } = daemonWith(['taxlien-gateway-dev_redis', 'other_postgres']);
    const resources = [
      volume('taxlien-gateway-dev_postgres'),
      volume('taxlien-gateway-dev_redis'),
      volume('taxlien-gateway-dev_grafana'),
      // Another kind of resource with the id of a volume, and a volume that is not the instance's.
      { type: 'docker:index/container:Container', id: 'taxlien-gateway-dev_raw' },
      volume('taxlien-stage_prometheus'),
    ];
    expect(await restore(resources)).toEqual([
      `created volume taxlien-gateway-dev_postgres again, on ${settings.dataDir}/postgres`,
      `created volume taxlien-gateway-dev_grafana again, on ${settings.dataDir}/grafana`,
    ]);
    expect(docker.calls).toEqual([list, creation('postgres'), creation('grafana')]);
  });

  test('stay lost after one that cannot be created: the deploy stops', async () => {
    const { docker, restore, creation } = daemonWith([], 'taxlien-gateway-dev_postgres');
    await expect(
      restore([volume('taxlien-gateway-dev_redis'), volume('taxlien-gateway-dev_postgres')]),
    ).rejects.toMatchObject({
      code: 'E_PROCESS',
      message: expect.stringMatching(/exit 1\nError response from daemon: no space left$/),
    });
    expect(docker.calls).toEqual([list, creation('postgres')]);
  });
});

test('a stack that was never deployed has lost none', async () => {
  const { docker, restore } = daemonWith([]);
  expect(await restore([])).toEqual([]);
  expect(docker.calls).toEqual([list]);
});
