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

/** Where a file or directory is made before it stands at its path: named after this process, so that a kill's leavings can be told. */
export const draftPath = (path: string) => `${path}.${process.pid}.new`;

/** The process that a draft belongs to, `undefined` for other names. */
export function draftOwner(name: string): number | undefined {
  const pid = /\.(\d+)\.new$/.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/** Puts a file at a path, whole or not at all, with this mode under any umask. */
export function writeWhole(path: string, content: string | Buffer, mode: number, owner?: Owner): void {
  const draft = writeDraft(path, content, mode, owner);
  renameSync(draft, path);
  syncDirectory(path);
}

/**
 * The same where nothing is yet.
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
  // Of an earlier process with this number.
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

/** The text of a file; undefined where there is none. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What a JSON text holds; undefined where it is empty, cut off or damaged. */
export function parseJson(text = ''): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a JSON file holds; undefined where it is missing, cut off or damaged. */
export const readJson = (path: string): unknown => parseJson(readIfThere(path));
