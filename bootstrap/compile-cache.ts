import { readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** One checkout takes some 1,500 entries; each new content and each new path of a file adds one. */
const mostEntries = 20_000;

/** Empties Node's compile cache when it has grown too large: Node itself never removes anything. */
export function limitCompileCache(dir: string, most = mostEntries): void {
  const parent = dirname(dir);
  const oldName = `${basename(dir)}.old-`;
  try {
    const entries = readdirSync(dir).reduce((sum, name) => sum + readdirSync(join(dir, name)).length, 0);
    // Renamed first: others may be writing into it.
    if (entries > most) renameSync(dir, join(parent, `${oldName}${process.pid}`));
  } catch (error) {
    // Not there yet, or another gatewayctl empties it just now.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const name of readdirSync(parent)) {
    if (name.startsWith(oldName)) rmSync(join(parent, name), { recursive: true, force: true });
  }
}
