import type { ParseArgsConfig } from 'node:util';
import type { Progress } from '../../host/output.ts';

export interface Invocation {
  /** Words after the verb. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly progress: Progress;
}

/** One verb of gatewayctl. */
export interface Verb {
  /** `<env> [--json]`: what stands behind the verb. */
  readonly usage: string;
  /** Half a line for the list of verbs: what it does for its user. */
  readonly summary: string;
  /** What `--help` adds to it. */
  readonly details?: string;
  readonly options?: NonNullable<ParseArgsConfig['options']>;
  /** How many words it takes, at least and at most. */
  readonly words: readonly [number, number];
  /** Resolves to the exit code. */
  run(invocation: Invocation): Promise<number>;
}
