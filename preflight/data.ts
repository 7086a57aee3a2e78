import { existsSync, readdirSync, type Stats, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { FoundVolume } from '../docker/daemon-facts.ts';
import { type DaemonFacts, projectOf } from '../docker/daemon-facts.ts';
import { imageMajorOf } from '../docker/images/pins.ts';
import { environmentLabel, volumeName } from '../docker/names.ts';
import type { ErrorCode } from '../host/error-codes.ts';
import type { Finding } from '../host/errors.ts';
import { UserError } from '../host/errors.ts';
import { isWithin, realPathOf } from '../host/paths.ts';
import { currentMarker, type DataMarker, markerFile, readInstanceId, readMarker } from '../instance/data-markers.ts';
import type { Settings } from '../settings/load.ts';
import { type DataVolumeName, dataOwners, dataVolumes, owners, userOf } from '../settings/services.ts';
import type { DaemonCheck, HostCheck, HostContext } from './check.ts';

/** Each data directory is the one that this instance wrote to: it exists, is not empty, and has the same mount and major. */
export const dataDirectories = {
  name: 'data-directories',
  reads: 'host',
  run({ settings }: Pick<HostContext, 'settings'>): readonly Finding[] {
    const { instance } = settings;
    const findings: Finding[] = [];
    for (const volume of dataVolumes) {
      const dir = join(settings.dataDir, volume);
      const refuse = (code: ErrorCode, message: string, fix: string) =>
        findings.push({
          code,
          severity: 'error',
          message,
          fix,
          why: 'A deploy would start on other data than before.',
        });
      let marker: DataMarker | undefined;
      try {
        marker = readMarker(instance, volume);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        refuse(error.code, error.message, error.fix);
        continue;
      }
      if (marker === undefined) continue;
      const path = realPathOf(dir);
      const isForeign = marker.instanceId !== readInstanceId(instance) || marker.stack !== instance.env;
      // First: a changed DATA_DIR names a directory that is empty or missing.
      if (!isForeign && marker.path !== path) {
        refuse(
          'E_DATA_MOVED',
          `${dir}: does not hold the data of ${volume} (got ${path}, the marker says ${marker.path})`,
          `Set DATA_DIR in ${instance.envFile} back to ${dirname(marker.path)}; to move the data: then ./gatewayctl move-data ${settings.env} ${settings.dataDir}`,
        );
        continue;
      }
      if (!existsSync(dir) || isEmpty(dir)) {
        refuse(
          'E_DATA_EMPTY',
          `${dir}: held the data of ${volume} and is empty (marker: mounted at ${marker.mountPoint})`,
          `Mount its disk or restore a backup; to start with no data on purpose: rm ${markerFile(instance, volume)}.`,
        );
        continue;
      }
      const now = currentMarker(instance, dir, imageMajorOf(volume));
      if (isForeign) {
        refuse(
          'E_DATA_FOREIGN',
          `${dir}: belongs to another instance (got ${marker.stack} ${marker.instanceId})`,
          `Set DATA_DIR in ${instance.envFile} to a directory of this instance.`,
        );
      } else if (marker.mountPoint !== now.mountPoint) {
        refuse(
          'E_DATA_DEVICE',
          `${dir}: is on another file system than its data (got ${now.mountPoint}, the marker says ${marker.mountPoint})`,
          `Mount the disk at ${marker.mountPoint}.`,
        );
      } else if (marker.imageMajor !== now.imageMajor) {
        refuse(
          'E_DATA_MAJOR',
          `${dir}: was written by major version ${marker.imageMajor} (got an image of ${now.imageMajor})`,
          'Go back to the image of that major in docker/images/upstream-images.json, or dump and restore the data.',
        );
      }
    }
    return findings;
  },
} satisfies HostCheck;

/** Each Docker volume of this stack is bound to the directory that the settings name. */
export const volumeDevices: DaemonCheck = {
  name: 'volume-devices',
  reads: 'daemon',
  run: ({ settings, daemon }) => volumeFindings(settings, daemon.volumes),
};

/** Volumes of this stack that are bound to another directory than the settings name. */
export function volumeFindings(settings: Settings, found: readonly FoundVolume[]): readonly Finding[] {
  return dataVolumes.flatMap((volume): Finding[] => {
    const wanted = join(settings.dataDir, volume);
    const name = volumeName(settings, volume);
    const own = found.find((entry) => entry.name === name && entry.labels[environmentLabel] === settings.env);
    if (own === undefined || own.device === wanted) return [];
    return [
      {
        code: 'E_VOLUME_DEVICE',
        severity: 'error',
        message: `volume ${name}: is not bound to ${wanted} (got ${own.device ?? 'a directory that Docker manages'})`,
        why: 'Docker keeps the old directory of an existing volume, and does not report it.',
        fix: `Set DATA_DIR in ${settings.instance.envFile} back; or, when no container needs it: docker volume rm ${name}.`,
      },
    ];
  });
}

/** Each data directory that was deployed belongs to its container's user, who can write to it. */
export const dataOwner: DaemonCheck = {
  name: 'data-owner',
  reads: 'daemon',
  run({ settings, daemon }) {
    // With these, uids of the host and of the container differ.
    if (daemon.areUidsMapped || daemon.operatingSystem === 'Docker Desktop') return [];
    return dataVolumes
      .map((volume) => ({ volume, dir: join(settings.dataDir, volume) }))
      .filter(({ volume, dir }) => existsSync(dir) && existsSync(markerFile(settings.instance, volume)))
      .flatMap(({ volume, dir }) => ownerFindings(volume, dir, statSync(dir)));
  },
};

/** Result of `stat`, with the fields that are read here. */
type Owned = Pick<Stats, 'uid' | 'gid' | 'mode'>;

/** An owner or mode with which the service of this volume cannot start. */
export function ownerFindings(volume: DataVolumeName, dir: string, { uid, gid, mode }: Owned): readonly Finding[] {
  const service = dataOwners[volume];
  // PostgreSQL starts on 0700 and 0750 only.
  const isOpen = volume === 'postgres' && (mode & 0o027) !== 0;
  if (uid === owners[service].uid && (mode & 0o700) === 0o700 && !isOpen) return [];
  return [
    {
      code: 'E_DATA_OWNER',
      severity: 'error',
      message: `${dir}: must belong to its container's user, with mode 0700 (got ${uid}:${gid} ${(mode & 0o7777).toString(8).padStart(4, '0')}, needs ${userOf(service)})`,
      why: `${service} cannot start on data that it may not write, or that others may read.`,
      fix: `sudo chown -R ${userOf(service)} ${dir} && sudo chmod 700 ${dir}`,
    },
  ];
}

/** Whether a directory is empty; if this user may not list it, whether it has no subdirectories. */
function isEmpty(dir: string): boolean {
  try {
    return readdirSync(dir).length === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    // Two links: "." and the entry above, so no subdirectory; file systems that do not count links report 1.
    return statSync(dir).nlink === 2;
  }
}

/** No running container outside this stack mounts a data directory of this instance, directly or by a volume. */
export const dataInUse: DaemonCheck = {
  name: 'data-in-use',
  reads: 'daemon',
  run: ({ settings, daemon }) => useFindings(settings, daemon),
};

/** Other containers that mount this instance's data; one that mounts the whole host, to monitor it, is allowed. */
export function useFindings(
  settings: Settings,
  { containers, volumes }: Pick<DaemonFacts, 'containers' | 'volumes'>,
): readonly Finding[] {
  const deviceOf = (mount: string) => volumes.find(({ name }) => name === mount)?.device ?? mount;
  return containers
    .filter(({ isRunning, labels }) => isRunning && labels[environmentLabel] !== settings.env)
    .flatMap(({ name, labels, mounts }) => {
      const path = mounts.map(deviceOf).find((mount) => mount.startsWith('/') && isWithin(mount, settings.dataDir));
      if (path === undefined) return [];
      const project = projectOf(labels);
      return [
        {
          code: 'E_DATA_IN_USE',
          severity: 'error',
          message: `${path}: is mounted by a container outside this stack (got ${name}${project === '' ? '' : ` of project ${project}`})`,
          why: 'Two servers on one data directory destroy it.',
          fix: `Stop it: docker stop ${name}; or set DATA_DIR in ${settings.instance.envFile} to a directory of this instance.`,
        } as const,
      ];
    });
}
