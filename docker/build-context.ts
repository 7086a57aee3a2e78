import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import dockerignore from '@balena/dockerignore';

/** Files of a directory tree, relative to it, in a stable order; symbolic links count as their targets. */
export function listFiles(dir: string, isWanted: (path: string) => boolean = () => true): readonly string[] {
  const walk = (current: string): string[] =>
    readdirSync(current, { withFileTypes: true }).flatMap((entry) => {
      const path = join(current, entry.name);
      const name = relative(dir, path);
      if (entry.isDirectory()) return isPruned(name) ? [] : walk(path);
      return isWanted(name) ? [path] : [];
    });
  return walk(dir)
    .map((path) => relative(dir, path))
    .sort();
}

// Never part of a context, and slower to read than all the rest.
const isPruned = (name: string) => name === '.git' || name === 'node_modules';

/** SHA-256 over names, executable bits and contents of files: the same in every checkout and under every umask. */
export function hashFiles(dir: string, files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) {
    const path = join(dir, file);
    const isExecutable = (statSync(path).mode & 0o100) !== 0;
    const content = createHash('sha256').update(readFileSync(path)).digest('hex');
    hash.update(`${JSON.stringify(file)} ${isExecutable ? 'x' : '-'} ${content}\n`);
  }
  return hash.digest('hex');
}

/** Hash of a build context; a new one triggers a build. */
export const hashBuildContext = (dir: string, dockerfile: string): string =>
  hashFiles(dir, contextFiles(dir, dockerfile));

/** The Dockerfile and the files that `.dockerignore` does not exclude. */
export function contextFiles(dir: string, dockerfile: string): readonly string[] {
  const ignore = dockerignore.default().add(readFileSync(join(dir, '.dockerignore'), 'utf8'));
  return listFiles(dir, (name) => name === dockerfile || !ignore.ignores(name));
}
