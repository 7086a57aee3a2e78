import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';

/** Path with its symbolic links resolved, as far as it exists. */
export function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return join(realPathOf(dirname(path)), basename(path));
  }
}

/** Whether a path is the directory or below it. */
export const isWithin = (path: string, directory: string) => !/^\.\.(\/|$)/.test(relative(directory, path));

/** Whether one of two directories is in the other, or both are the same. */
export const areNested = (a: string, b: string) => isWithin(a, b) || isWithin(b, a);

/** Path of a program in the first of these directories that has it. */
export function findProgram(name: string, dirs: readonly string[]): string | undefined {
  return dirs
    .filter((dir) => isAbsolute(dir))
    .map((dir) => join(dir, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return statSync(path).isFile();
      } catch {
        return false;
      }
    });
}
