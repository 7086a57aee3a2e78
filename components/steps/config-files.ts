import { createHash } from 'node:crypto';
import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFiles, listFiles } from '../../docker/build-context.ts';
import { draftPath } from '../../host/whole-file.ts';
import type { Settings } from '../../settings/load.ts';

/**
 * Path of the copy of a directory of the checkout: `<instance>/config/<sha256>`. A changed file changes the path, a new
 * checkout does not.
 * @param source relative to the checkout: `monitoring/prometheus`
 */
export function configFilesPath(settings: Settings, source: string): string {
  const dir = join(settings.checkoutDir, source);
  const hash = createHash('sha256')
    .update(`${source} ${hashFiles(dir, listFiles(dir))}`)
    .digest('hex');
  return join(settings.instance.configDir, hash);
}

/** Copies the files to their path atomically, readable for every container user. */
export async function copyConfigFiles(settings: Settings, source: string): Promise<void> {
  const hostPath = configFilesPath(settings, source);
  if (existsSync(hostPath)) return;
  await mkdir(settings.instance.configDir, { recursive: true, mode: 0o755 });
  const partial = draftPath(hostPath);
  rmSync(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 });
  cpSync(join(settings.checkoutDir, source), partial, { recursive: true, dereference: true });
  await chmodTree(partial);
  try {
    renameSync(partial, hostPath);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

// The caller's umask must not decide what a container may read.
async function chmodTree(dir: string): Promise<void> {
  await chmod(dir, 0o755);
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) await chmodTree(path);
    else await chmod(path, 0o644);
  }
}
