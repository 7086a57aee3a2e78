import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { draftOwner, draftPath } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';

/** Runs `work` with a private temporary directory in the instance, removed afterwards, or after a kill by the next run. */
export async function withScratch<T>(
  { stateDir }: Instance,
  name: string,
  work: (dir: string) => Promise<T>,
): Promise<T> {
  const dir = draftPath(join(stateDir, name));
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { mode: 0o700, recursive: true });
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Removes the drafts of files and directories that killed processes left in an instance; those of live ones stay. */
export function removeDrafts(instance: Instance): void {
  const { dir, secretsDir, stateDir, configDir, logsDir } = instance;
  for (const place of [
    ...[dir, secretsDir, stateDir, configDir, logsDir],
    instance.stateBackupsDir,
    instance.ownersDir,
  ]) {
    if (!existsSync(place)) continue;
    for (const name of readdirSync(place)) {
      const pid = draftOwner(name);
      if (pid !== undefined && !isAlive(pid)) rmSync(join(place, name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs as another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
