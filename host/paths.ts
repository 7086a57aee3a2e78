import { realpathSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

/** Path with its links followed, as far as it is there. */
export function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return join(realPathOf(dirname(path)), basename(path));
  }
}

/** Whether a path is the directory or lies below it. */
export const isWithin = (path: string, directory: string) => !/^\.\.(\/|$)/.test(relative(directory, path));

/** Whether one of two directories lies in the other, or both are the same. */
export const areNested = (a: string, b: string) => isWithin(a, b) || isWithin(b, a);
