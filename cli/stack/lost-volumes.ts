import type { DockerClient } from '../../docker/client.ts';
import { dataVolumeSpec } from '../../docker/data-volume.ts';
import { volumeName } from '../../docker/names.ts';
import type { Settings } from '../../settings/load.ts';
import { type DataVolumeName, dataVolumes } from '../../settings/services.ts';
import type { Stack } from './stack.ts';
import type { StateResource } from './state-files.ts';

/** Creates a volume as a deploy does; the data in its directory is not touched. */
export async function createVolume(docker: DockerClient, settings: Settings, volume: DataVolumeName): Promise<void> {
  const { name, driver, driverOpts, labels } = dataVolumeSpec(settings, volume);
  const pairs = (option: string, values: Readonly<Record<string, string>>) =>
    Object.entries(values).flatMap(([key, value]) => [option, `${key}=${value}`]);
  const options = ['--driver', driver, ...pairs('--opt', driverOpts), ...pairs('--label', labels)];
  await docker.call(['volume', 'create', ...options, name]);
}

/**
 * Creates volumes again that are in the state but not in the daemon: the provider cannot refresh a missing volume.
 * @returns one line for each
 */
export async function restoreVolumes(
  { engine: { docker } }: Stack,
  settings: Settings,
  resources: readonly StateResource[],
): Promise<readonly string[]> {
  const known = new Set(resources.filter(({ type }) => type === 'docker:index/volume:Volume').map(({ id }) => id));
  const there = await docker.lines(['volume', 'ls', '--format', '{{.Name}}']);
  const lost = dataVolumes.filter((volume) => {
    const name = volumeName(settings, volume);
    return known.has(name) && !there.includes(name);
  });
  for (const volume of lost) await createVolume(docker, settings, volume);
  return lost.map((volume) => `created volume ${volumeName(settings, volume)} again, on ${settings.dataDir}/${volume}`);
}
