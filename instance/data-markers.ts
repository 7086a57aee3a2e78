import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../host/errors.ts';
import { mountPointOf } from '../host/mounts.ts';
import { readIfThere, writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';

/**
 * What is remembered of a data directory, beside the data and never inside it: a directory that is not empty is
 * refused by initdb.
 */
export interface DataMarker {
  /** Environment whose stack owns the directory. */
  readonly stack: string;
  readonly instanceId: string;
  /** Real path of the directory. */
  readonly path: string;
  /** Where the file system that holds it is mounted: it survives a reboot, device numbers may not. */
  readonly mountPoint: string;
  /** Major version of the image that wrote the data; empty where the data does not depend on it. */
  readonly imageMajor: string;
}

/** Where the marker of a data directory lies. */
export const markerFile = (instance: Instance, name: string) => join(instance.dataDir, '.owners', `${name}.json`);

const markerSchema = z.object({
  stack: z.string(),
  instanceId: z.string(),
  path: z.string(),
  mountPoint: z.string(),
  imageMajor: z.string(),
});

/** @throws UserError E_DATA_MARKER where it is not what a deploy writes */
export function readMarker(instance: Instance, name: string): DataMarker | undefined {
  const path = markerFile(instance, name);
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  const { success, data } = markerSchema.safeParse(parsedOrUndefined(text));
  if (success) return data;
  throw new UserError(
    'E_DATA_MARKER',
    `${path}: is not a marker as a deploy writes it (got ${text.length} characters)`,
    `Restore it from a backup; or, when ${join(instance.dataDir, name)} is sure to hold this instance's data: rm ${path}.`,
  );
}

function parsedOrUndefined(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

export function writeMarker(instance: Instance, name: string, marker: DataMarker): void {
  const path = markerFile(instance, name);
  mkdirSync(join(instance.dataDir, '.owners'), { recursive: true, mode: 0o755 });
  writeWhole(path, `${JSON.stringify(marker, undefined, 2)}\n`, 0o644);
}

/** The id that `init` gave the instance. */
export const readInstanceId = (instance: Instance): string => readIfThere(instance.idFile)?.trim() ?? '';

/** What a marker of the directory would say now. The directory must be there. */
export function currentMarker(instance: Instance, dir: string, imageMajor: string): DataMarker {
  const path = realpathSync(dir);
  return {
    stack: instance.env,
    instanceId: readInstanceId(instance),
    path,
    mountPoint: mountPointOf(path),
    imageMajor,
  };
}
