import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Temporary path of a file or directory before it is renamed to `path`; its pid identifies what a killed process left. */
export const draftPath = (path: string) => `${path}.${process.pid}.new`;

/** The process that a draft belongs to, `undefined` for other names. */
export function draftOwner(name: string): number | undefined {
  const pid = /\.(\d+)\.new$/.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** Writes a file atomically, with this mode under any umask. */
export function writeWhole(path: string, content: string | Buffer, mode: number, owner?: Owner): void {
  const draft = writeDraft(path, content, mode, owner);
  renameSync(draft, path);
  syncDirectory(path);
}

/**
 * The same, unless the file exists.
 * @returns whether it was written
 */
export function createWhole(path: string, content: string, mode: number): boolean {
  const draft = writeDraft(path, content, mode);
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft);
  }
  syncDirectory(path);
  return true;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

function writeDraft(path: string, content: string | Buffer, mode: number, owner?: Owner): string {
  const draft = draftPath(path);
  // Left by an earlier process with this pid.
  rmSync(draft, { force: true });
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeFileSync(file, content);
    if (owner !== undefined) fchownSync(file, owner.uid, owner.gid);
    fchmodSync(file, mode);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return draft;
}

function syncDirectory(path: string): void {
  const dir = openSync(dirname(path), 'r');
  try {
    fsyncSync(dir);
  } finally {
    closeSync(dir);
  }
}

/** The text of a file; undefined if there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The value of a JSON text; undefined if it is empty, cut off or damaged. */
export function parseJson(text = ''): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The value of a JSON file; undefined if it is missing, cut off or damaged. */
export const readJson = (path: string): unknown => parseJson(readIfThere(path));
