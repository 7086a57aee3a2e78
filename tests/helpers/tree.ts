import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';

/** One thing below a directory. */
export interface TreeEntry {
  /** Path below the directory. */
  readonly name: string;
  readonly stats: Stats;
  /** Of a file; of a link where it leads; else empty. */
  readonly content: string | Buffer;
}

/** All that lies below a directory, in the order of the names; links are not followed. */
export function treeEntries(dir: string, isWanted: (name: string) => boolean = () => true): readonly TreeEntry[] {
  const names = (readdirSync(dir, { recursive: true }) as string[]).filter(isWanted).sort();
  return names.map((name) => {
    const path = join(dir, name);
    const stats = lstatSync(path);
    return {
      name,
      stats,
      content: stats.isFile() ? readFileSync(path) : stats.isSymbolicLink() ? readlinkSync(path) : '',
    };
  });
}
