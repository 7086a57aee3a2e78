import { mkdirSync } from 'node:fs';
import { tarArchive } from '../../docker/archive.ts';
import type { DockerClient } from '../../docker/client.ts';
import { helperRunArgs } from '../../docker/helper-container.ts';
import { forgetHostPathsId, writeHostPathsId } from '../../instance/host-paths.ts';
import { forgetChanged, secretFilesOf, secretServices, writeApplied } from '../../instance/secret-files.ts';
import type { Settings } from '../../settings/load.ts';
import { type DataVolumeName, dataOwners, dataVolumes, owners } from '../../settings/services.ts';
import { copyConfigFiles } from './config-files.ts';
import type { HostStepOf } from './step.ts';

/** A directory or file below one of the two roots that the helper container may write to. */
export interface OwnedPath {
  /** Relative, first part `data` or `secrets`. */
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
  /** Content of a file; absent for a directory. */
  readonly content?: string;
}

/** Directories with the owner and mode that each image needs; no secrets. */
export function ownedDirectories(): readonly OwnedPath[] {
  const directory = (path: string, volume: DataVolumeName) => ({ path, ...owners[dataOwners[volume]], mode: 0o700 });
  return [
    ...dataVolumes.map((volume) => directory(`data/${volume}`, volume)),
    // `.keep` keeps the directory non-empty: Docker would change the mode of an empty volume, and an empty directory
    // looks like an unmounted disk. PostgreSQL gets none: initdb requires an empty directory.
    ...dataVolumes.filter((volume) => volume !== 'postgres').map((volume) => directory(`data/${volume}/.keep`, volume)),
    ...secretServices.map((service) => ({ path: `secrets/${service}`, ...owners[service], mode: 0o500 })),
  ];
}

function secretFiles(settings: Settings): readonly OwnedPath[] {
  const files = secretFilesOf(settings.secrets);
  return secretServices.flatMap((service) =>
    Object.entries(files[service]).map(([name, content]) => ({
      path: `secrets/${service}/${name}`,
      ...owners[service],
      mode: 0o400,
      content,
    })),
  );
}

/** Arguments of `docker` for the container that unpacks an archive from its standard input into data and secrets. */
export function unpackArgs(settings: Settings, imageId: string): readonly string[] {
  const mount = (source: string, name: string) =>
    ({ type: 'bind', source, target: `/host/${name}`, isWritable: true }) as const;
  return helperRunArgs(settings, {
    step: 'owned-paths',
    image: imageId,
    mounts: [mount(settings.dataDir, 'data'), mount(settings.instance.secretsDir, 'secrets')],
    workdir: '/host',
    argv: ['tar', '-x', '-p', '-f', '-'],
    isInteractive: true,
  });
}

/**
 * Creates what containers mount from this host: copies of config files, directories, and secret files with owners that
 * this process may not set.
 */
export async function makeHostPaths(
  settings: Settings,
  docker: DockerClient,
  { imageId, hostPathsId, secretGenerations, configSources }: HostStepOf<'host-paths'>,
): Promise<void> {
  const { instance, dataDir, secrets } = settings;
  for (const source of configSources) await copyConfigFiles(settings, source);
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  mkdirSync(instance.secretsDir, { recursive: true, mode: 0o700 });
  // First: if this process is killed from here on, the next deploy must run this step again.
  forgetHostPathsId(instance);
  forgetChanged(instance, secretGenerations);
  await docker.call(unpackArgs(settings, imageId), { stdin: await ownedPathsArchive(settings), timeoutMs: 120_000 });
  writeApplied(instance, secrets, secretGenerations);
  writeHostPathsId(instance, hostPathsId);
}

/** The archive that the helper container unpacks: every directory and secret file with its owner and mode. */
export function ownedPathsArchive(settings: Settings): Promise<Buffer> {
  return tarArchive(
    [...ownedDirectories(), ...secretFiles(settings)].map(({ path, content, ...header }) =>
      content === undefined
        ? { ...header, name: path, type: 'directory' }
        : { ...header, name: path, type: 'file', content },
    ),
  );
}
