import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../cli/process.ts';
import { UserError } from '../settings/errors.ts';
import type { Settings } from '../settings/load.ts';
import { dataVolumes, volumeName } from '../settings/names.ts';
import {
  currentMarker,
  type DataMarker,
  imageMajorOf,
  readInstanceId,
  readMarker,
  realPathOf,
} from './data-markers.ts';
import type { Check, CheckContext, Finding } from './finding.ts';

/** Each data directory is the one that this instance wrote to: there, not empty, on the same mount, same major. */
export const dataDirectories = {
  name: 'data-directories',
  reads: 'host',
  async run({ settings }: Pick<CheckContext, 'settings'>): Promise<readonly Finding[]> {
    const { instance } = settings;
    const findings: Finding[] = [];
    for (const volume of dataVolumes) {
      const dir = join(settings.dataDir, volume);
      const refuse = (code: string, message: string, fix: string) =>
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
      // Before anything else about the directory: a changed DATA_DIR names one that is empty or not there.
      if (!isForeign && marker.path !== path) {
        refuse(
          'E_DATA_MOVED',
          `${dir}: is not where the data of ${volume} lies (got ${path}, the marker says ${marker.path})`,
          `Set DATA_DIR in ${instance.envFile} back to ${dirname(marker.path)}.`,
        );
        continue;
      }
      if (!existsSync(dir) || isEmpty(dir)) {
        refuse(
          'E_DATA_EMPTY',
          `${dir}: held the data of ${volume} and is empty (marker: mounted at ${marker.mountPoint})`,
          `Mount its disk or restore a backup; to start anew on purpose: rm ${join(instance.dataDir, '.owners', `${volume}.json`)}.`,
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
          `${dir}: lies on another file system than its data (got ${now.mountPoint}, the marker says ${marker.mountPoint})`,
          `Mount the disk at ${marker.mountPoint}.`,
        );
      } else if (marker.imageMajor !== now.imageMajor) {
        refuse(
          'E_DATA_MAJOR',
          `${dir}: was written by major version ${marker.imageMajor} (got an image of ${now.imageMajor})`,
          'Go back to the image of that major in components/upstream-images.json, or dump and restore the data.',
        );
      }
    }
    return findings;
  },
} satisfies Check;

/** Each Docker volume that is there is bound to the directory that the settings name. */
export const volumeDevices: Check = {
  name: 'volume-devices',
  reads: 'daemon',
  async run({ settings, dockerHost }) {
    const names = dataVolumes.map((volume) => volumeName(settings, volume));
    // Exit 1 says that some are not there yet; those that are stand in the answer all the same.
    const { stdout } = await run(['docker', '--host', dockerHost, 'volume', 'inspect', ...names], {
      allowedExitCodes: [0, 1],
      timeoutMs: 10_000,
    });
    return volumeFindings(settings, JSON.parse(stdout) as readonly InspectedVolume[]);
  },
};

/** What `docker volume inspect` says of a volume, as far as it is needed here. */
export interface InspectedVolume {
  readonly Name: string;
  readonly Options: { readonly device?: string } | null;
}

/** Volumes that are there and bound to another directory than the settings name. */
export function volumeFindings(settings: Settings, found: readonly InspectedVolume[]): readonly Finding[] {
  return dataVolumes.flatMap((volume): Finding[] => {
    const wanted = join(settings.dataDir, volume);
    const name = volumeName(settings, volume);
    const inspected = found.find((entry) => entry.Name === name);
    if (inspected === undefined || inspected.Options?.device === wanted) return [];
    return [
      {
        code: 'E_VOLUME_DEVICE',
        severity: 'error',
        message: `volume ${name}: is not bound to ${wanted} (got ${inspected.Options?.device ?? 'a directory that Docker manages'})`,
        why: 'Docker keeps the old directory of a volume whose name is taken, without a word.',
        fix: `Set DATA_DIR in ${settings.instance.envFile} back; or, when no container needs it: docker volume rm ${name}.`,
      },
    ];
  });
}

/** Whether a directory is empty, as far as this user may see: without leave to list it, its subdirectories count. */
function isEmpty(dir: string): boolean {
  try {
    return readdirSync(dir).length === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    // Two links: "." and the entry above, so no subdirectory; file systems that do not count say 1.
    return statSync(dir).nlink === 2;
  }
}
