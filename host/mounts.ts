import { readFileSync } from 'node:fs';
import { UserError } from './errors.ts';
import { run } from './process.ts';
import { readIfThere } from './whole-file.ts';

/** Mount points at or below `dir`, the deepest and latest first: the order to unmount them in. */
export function mountsBelow(dir: string, mountInfo: string): string[] {
  return mountInfo
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((point) => point !== undefined)
    .map(unescapeOctal)
    .filter((point) => point === dir || point.startsWith(`${dir}/`))
    .reverse();
}

/** The kernel writes blank, tab, newline and backslash as three octal digits. */
function unescapeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

export function currentMountsBelow(dir: string): string[] {
  return mountsBelow(dir, readFileSync('/proc/self/mountinfo', 'utf8'));
}

/**
 * Unmounts all at or below `dir` and looks whether it is so.
 * @throws UserError E_STILL_MOUNTED naming what is left
 */
export async function unmountBelow(dir: string): Promise<void> {
  for (const extra of [[], [], ['--lazy']]) {
    const points = currentMountsBelow(dir);
    if (points.length === 0) return;
    await run(['umount', ...extra, '--', ...points], { allowedExitCodes: 'any' });
  }
  assertNothingMounted(dir);
}

/** @throws UserError E_STILL_MOUNTED where anything is mounted at or below `dir` */
export function assertNothingMounted(dir: string): void {
  const points = currentMountsBelow(dir);
  if (points.length === 0) return;
  throw new UserError(
    'E_STILL_MOUNTED',
    `${dir}: must hold no mount before it is deleted or used again (got ${points.join(', ')})`,
    `Unmount: umount ${points.join(' ')}`,
  );
}
/** The mount that a path lies on; `/` where the host does not list its mounts. */
export function mountPointOf(path: string, mountInfo: string = readIfThere('/proc/self/mountinfo') ?? ''): string {
  const points = mountInfo
    .split('\n')
    .flatMap((line) => line.split(' ')[4] ?? [])
    .map((point) =>
      point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    )
    .filter((point) => point !== '' && (path === point || path.startsWith(point === '/' ? '/' : `${point}/`)));
  return points.reduce((longest, point) => (point.length > longest.length ? point : longest), '/');
}
