import { readFileSync } from 'node:fs';
import { UserError } from './errors.ts';
import { isWithin } from './paths.ts';
import { run } from './process.ts';
import { readIfThere } from './whole-file.ts';

const mountInfoFile = '/proc/self/mountinfo';

function mountPoints(mountInfo: string): readonly string[] {
  return (
    mountInfo
      .split('\n')
      .flatMap((line) => line.split(' ')[4] ?? [])
      // The kernel writes blank, tab, newline and backslash as three octal digits.
      .map((point) =>
        point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
      )
  );
}

/** Mount points at or below `dir`, the deepest and latest first: the order to unmount them in. */
export const mountsBelow = (dir: string, mountInfo = readFileSync(mountInfoFile, 'utf8')): readonly string[] =>
  mountPoints(mountInfo)
    .filter((point) => isWithin(point, dir))
    .toReversed();

/** The mount point of a path; `/` if the host does not list its mounts. */
export const mountPointOf = (path: string, mountInfo = readIfThere(mountInfoFile) ?? ''): string =>
  mountPoints(mountInfo)
    .filter((point) => isWithin(path, point))
    .reduce((longest, point) => (point.length > longest.length ? point : longest), '/');

/**
 * Unmounts everything at or below `dir`, and verifies it.
 * @throws UserError E_STILL_MOUNTED naming what is left
 */
export async function unmountBelow(dir: string): Promise<void> {
  for (const extra of [[], [], ['--lazy']]) {
    const points = mountsBelow(dir);
    if (points.length === 0) return;
    await run(['umount', ...extra, '--', ...points], { allowedExitCodes: 'any' });
  }
  assertNothingMounted(dir);
}

/** @throws UserError E_STILL_MOUNTED if anything is mounted at or below `dir` */
export function assertNothingMounted(dir: string): void {
  const points = mountsBelow(dir);
  if (points.length === 0) return;
  throw new UserError(
    'E_STILL_MOUNTED',
    `${dir}: must hold no mount before it is deleted or used again (got ${points.join(', ')})`,
    `Unmount: umount ${points.join(' ')}`,
  );
}
