import { chmodSync, copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The text of a source file, as an input of a layer's key. */
export function sourceOf(url: string | URL): string {
  return readFileSync(new URL(url), 'utf8');
}

/** Installs a script where the official images have theirs: `/usr/local/bin/docker-entrypoint.sh`. */
export function installEntrypoint(script: URL, root: string): void {
  const target = path.join(root, 'usr/local/bin/docker-entrypoint.sh');
  mkdirSync(path.dirname(target), { recursive: true });
  copyFileSync(script, target);
  chmodSync(target, 0o755);
}
