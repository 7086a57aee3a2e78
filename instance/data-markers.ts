import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../host/errors.ts';
import { mountPointOf } from '../host/mounts.ts';
import { readIfThere, writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';
import { readRemembered } from './remembered.ts';

const markerSchema = z.object({
  /** Environment whose stack owns the directory. */
  stack: z.string(),
  instanceId: z.string(),
  /** Real path of the directory. */
  path: z.string(),
  /** Mount point of its file system: it survives a reboot, device numbers may not. */
  mountPoint: z.string(),
  /** Major version of the image that wrote the data; empty if the data does not depend on it. */
  imageMajor: z.string(),
});

/**
 * Facts about a data directory, stored beside it and never inside: initdb refuses a directory that is not
 * empty.
 */
export type DataMarker = Readonly<z.infer<typeof markerSchema>>;

/** Path of the marker of a data directory. */
export const markerFile = (instance: Instance, name: string) => join(instance.ownersDir, `${name}.json`);

/** @throws UserError E_DAMAGED_FILE */
export function readMarker(instance: Instance, name: string): DataMarker | undefined {
  const path = markerFile(instance, name);
  return readRemembered(
    path,
    markerSchema,
    `Restore it from a backup. Or, if the data directory of ${name} certainly holds the data of this instance: rm ${path}.`,
  );
}

export function writeMarker(instance: Instance, name: string, marker: DataMarker): void {
  const path = markerFile(instance, name);
  mkdirSync(instance.ownersDir, { recursive: true, mode: 0o755 });
  writeWhole(path, `${JSON.stringify(marker, undefined, 2)}\n`, 0o644);
}

/**
 * The id that `init` gave the instance.
 * @throws UserError E_DAMAGED_FILE
 */
export function readInstanceId({ idFile, ownersDir }: Instance): string {
  const id = readIfThere(idFile)?.trim();
  if (id !== undefined && id !== '') return id;
  throw new UserError(
    'E_DAMAGED_FILE',
    `${idFile}: must hold the id of this instance (got ${id === undefined ? 'no file' : 'an empty file'})`,
    `Restore it from a backup; the markers name it: grep instanceId ${ownersDir}/*.json.`,
  );
}

/** A marker of the directory as it is now. The directory must exist. */
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
