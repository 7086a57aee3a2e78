import { existsSync, lstatSync, realpathSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Finding } from '../host/errors.ts';
import { isWithin } from '../host/paths.ts';
import type { Settings } from '../settings/load.ts';
import { dataVolumes } from '../settings/services.ts';
import type { DaemonCheck, HostCheck } from './check.ts';

const tmpfsType = 0x01021994;
const leastFreeMiB = 1024;
const leastFreeInodes = 10_000;

/** The data is outside the checkout, on a disk with room, and not behind a symbolic link. */
export const places: HostCheck = {
  name: 'places',
  reads: 'host',
  run({ settings }) {
    const { dataDir, checkoutDir, instance } = settings;
    const findings: Finding[] = [];
    const found = realpathSync(nearestExisting(dataDir));
    const move = `Set DATA_DIR in ${instance.envFile} to a directory on a persistent disk.`;
    if (isWithin(found, checkoutDir) || isWithin(dataDir, checkoutDir)) {
      findings.push({
        code: 'E_DATA_IN_CHECKOUT',
        severity: 'error',
        message: `${dataDir}: must not be in the checkout (got ${checkoutDir})`,
        why: 'A checkout is disposable: cleaning it would delete the data.',
        fix: move,
      });
    }
    if (lstatSync(dataDir, { throwIfNoEntry: false })?.isSymbolicLink()) {
      findings.push({
        code: 'E_DATA_SYMLINK',
        severity: 'error',
        message: `${dataDir}: must be the directory itself (got a link to ${found})`,
        why: 'The link may change while the volumes stay bound to its old target.',
        fix: `Set DATA_DIR=${found} in ${instance.envFile}.`,
      });
    }
    for (const volume of dataVolumes) {
      const path = join(dataDir, volume);
      if (!existsSync(path)) continue;
      const real = realpathSync(path);
      if (isWithin(real, realpathSync(dataDir))) continue;
      findings.push({
        code: 'E_DATA_SYMLINK',
        severity: 'error',
        message: `${path}: must not point outside ${dataDir} (got a link to ${real})`,
        why: 'No marker, backup or check would cover what Docker writes there.',
        fix: `Remove the link and mount the disk there: sudo mount --bind ${real} ${path}; or set DATA_DIR in ${instance.envFile}.`,
      });
    }
    const disk = statfsSync(found);
    return [...findings, ...tmpfsFindings(settings, disk.type), ...roomFindings(dataDir, disk)];
  },
};

/** A tmpfs: an error on prod, a warning elsewhere. */
export function tmpfsFindings(
  { env, dataDir, instance }: Settings,
  fileSystemType: number,
  platform: NodeJS.Platform = process.platform,
): readonly Finding[] {
  if (platform !== 'linux' || fileSystemType !== tmpfsType) return [];
  return [
    {
      code: env === 'prod' ? 'E_DATA_TMPFS' : 'W_DATA_TMPFS',
      severity: env === 'prod' ? 'error' : 'warning',
      message: `${dataDir}: must be on a disk (got tmpfs)`,
      why: 'tmpfs is memory: all data is lost when the host restarts.',
      fix: `Set DATA_DIR in ${instance.envFile} to a directory on a persistent disk.`,
    },
  ];
}

/** There is room for images too, if the daemon's directory is on this host; and Docker Desktop can mount the data. */
export const daemonPlaces: DaemonCheck = {
  name: 'daemon-places',
  reads: 'daemon',
  run({ settings, daemon: { rootDir, operatingSystem } }) {
    if (operatingSystem === 'Docker Desktop') return shareFindings(settings);
    if (!existsSync(rootDir)) return [];
    const isSameDisk = statSync(rootDir).dev === statSync(nearestExisting(settings.dataDir)).dev;
    return isSameDisk ? [] : roomFindings(rootDir, statfsSync(rootDir));
  },
};

/** Docker Desktop runs containers in a virtual machine, which has the shared directories only. */
function shareFindings({ dataDir, instance }: Settings): readonly Finding[] {
  const shared = ['/Users', '/Volumes', '/private', '/tmp', '/var/folders', '/home'];
  if (shared.some((dir) => isWithin(dataDir, dir))) return [];
  return [
    {
      code: 'W_DATA_NOT_SHARED',
      severity: 'warning',
      message: `${dataDir}: is not in a directory that Docker Desktop shares by default (got none of ${shared.join(', ')})`,
      why: 'Containers can mount shared directories only; the deploy would fail.',
      fix: `Share it (Docker Desktop, Settings, Resources, File sharing), or set DATA_DIR in ${instance.envFile} to a directory below your home.`,
    },
  ];
}

/** Result of `statfs`, with the fields that are read here. */
export interface Room {
  readonly bsize: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

/** Warns of a file system that is nearly full; some have no fixed number of inodes and report 0. */
export function roomFindings(path: string, { bsize, bavail, files, ffree }: Room): readonly Finding[] {
  const freeMiB = Math.floor((bsize * bavail) / 1_048_576);
  const hasRoom = freeMiB >= leastFreeMiB;
  const hasInodes = files === 0 || ffree >= leastFreeInodes;
  if (hasRoom && hasInodes) return [];
  return [
    {
      code: 'W_DISK_FULL',
      severity: 'warning',
      message: `${path}: is nearly full (got ${hasRoom ? `${ffree} inodes, needs ${leastFreeInodes}` : `${freeMiB} MiB, needs ${leastFreeMiB}`})`,
      why: 'A build fails, and PostgreSQL stops, when it cannot write.',
      fix: `Free some space: docker image prune; show usage: ${hasRoom ? 'df -i' : 'df -h'} ${path}`,
    },
  ];
}

/**
 * Whether the file system of a directory, which need not exist yet, lacks this many free bytes.
 * @returns `got 1 MiB, needs 56 MiB`; `undefined` if there is room
 */
export function lackOfRoom(path: string, bytes: number): string | undefined {
  const { bavail, bsize } = statfsSync(nearestExisting(path));
  const [free, needed] = [Math.ceil((bavail * bsize) / 1_048_576), Math.ceil(bytes / 1_048_576)];
  return free < needed ? `got ${free} MiB, needs ${needed} MiB` : undefined;
}

/** The path itself, or its nearest parent that exists. */
export const nearestExisting = (path: string): string => (existsSync(path) ? path : nearestExisting(dirname(path)));
