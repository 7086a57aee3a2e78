import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

const dayMs = 24 * 60 * 60 * 1000;
const unusedAfterMs = 30 * dayMs;

/** Marks a directory of the cache as used, by its modification time, at most once a day. */
export function markUsed(dir: string, nowMs: number): void {
  if (nowMs - statSync(dir).mtimeMs < dayMs) return;
  try {
    utimesSync(dir, nowMs / 1000, nowMs / 1000);
  } catch (error) {
    // In another user's cache: its owner cleans it up.
    if (!['EPERM', 'EACCES', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** Deletes the directories of a cache that were not used for 30 days. */
export function deleteUnused(cacheDir: string, nowMs: number): void {
  for (const entry of readdirSync(cacheDir, { withFileTypes: true }).filter((each) => each.isDirectory())) {
    const dir = join(cacheDir, entry.name);
    if (nowMs - statSync(dir).mtimeMs > unusedAfterMs) rmSync(dir, { recursive: true, force: true });
  }
}
