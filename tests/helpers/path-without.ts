import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A PATH without one program: a directory that holds it is replaced by one with links to all else in it. */
export function pathWithout(program: string, path: string, scratchDir: string): string {
  return path
    .split(delimiter)
    .map((dir, index) => {
      if (!existsSync(join(dir, program))) return dir;
      const links = join(scratchDir, `path-${index}`);
      mkdirSync(links, { recursive: true });
      for (const name of readdirSync(dir)) if (name !== program) symlinkSync(join(dir, name), join(links, name));
      return links;
    })
    .join(delimiter);
}
