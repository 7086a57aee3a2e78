import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

const dayMs = 24 * 60 * 60 * 1000;
const unusedAfterMs = 30 * dayMs;

/** Notes, once a day, that a directory of the cache is in use: its time of change says so. */
export function markUsed(dir: string, nowMs: number): void {
  if (nowMs - statSync(dir).mtimeMs < dayMs) return;
  try {
    utimesSync(dir, nowMs / 1000, nowMs / 1000);
  } catch (error) {
    // In another user's cache: its owner looks after it.
    if (!['EPERM', 'EACCES', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Deletes the directories in a cache that nobody has used for a month. */
export function deleteUnused(cacheDir: string, nowMs: number): void {
  for (const entry of readdirSync(cacheDir, { withFileTypes: true }).filter((each) => each.isDirectory())) {
    const dir = join(cacheDir, entry.name);
    if (nowMs - statSync(dir).mtimeMs > unusedAfterMs) rmSync(dir, { recursive: true, force: true });
  }
}
