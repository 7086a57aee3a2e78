import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { InstalledPart, Unit } from './parts.ts';

/** What a way gave for each part of a unit, or the reason why it could not. */
export type Attempt = { readonly parts: readonly Got[] } | { readonly problem: string };

type Got = Omit<InstalledPart, 'problems'>;

/** The ways to a unit's programs, in the order in which they are tried. */
export interface Way {
  readonly name: string;
  /** Whether it leads off this machine or takes long: its failure is reported as it happens. */
  readonly isTold: boolean;
  readonly attempt: (unit: Unit) => Promise<Attempt>;
}

/** Copies a program, so that a later change of its source leaves the toolchain as it was checked. */
export function putInPlace(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
  chmodSync(target, 0o755);
}
