import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { join } from 'node:path';

/** A file, directory or link below a directory. */
export interface TreeEntry {
  /** Path below the directory. */
  readonly name: string;
  readonly stats: Stats;
  /** Content of a file, target of a link, else empty. */
  readonly content: string | Buffer;
}

/** Everything below a directory, sorted by name; links are not followed. */
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
