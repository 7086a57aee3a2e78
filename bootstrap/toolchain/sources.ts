import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Origin } from './parts.ts';

/** A way that gave a unit's programs, with an origin for each of its parts, or the reason why it could not. */
export type Attempt = { readonly origins: readonly Origin[] } | { readonly problem: string };

/** Copies a program, so that a later change of its source leaves the toolchain as it was checked. */
export function putInPlace(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
  chmodSync(target, 0o755);
}
