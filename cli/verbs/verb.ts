import type { ParseArgsConfig } from 'node:util';
import type { Progress } from '../../host/output.ts';

export interface Invocation {
  /** Positional arguments after the verb. */
  readonly words: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly progress: Progress;
}

/** One verb of gatewayctl. */
export interface Verb {
  /** `<env> [--json]`: what follows the verb. */
  readonly usage: string;
  /** What it does, in half a line, for the list of verbs. */
  readonly summary: string;
  /** What `--help` adds to the summary. */
  readonly details?: string;
  readonly options?: NonNullable<ParseArgsConfig['options']>;
  /** What `--help` prints for each option that is not in `commonOptionHelp`. */
  readonly optionHelp?: Readonly<Record<string, string>>;
  /** Least and most number of positional arguments. */
  readonly words: readonly [number, number];
  /** Resolves to the exit code. */
  run(invocation: Invocation): Promise<number>;
}

/** What `--help` prints for options that several verbs have. */
export const commonOptionHelp: Readonly<Record<string, string>> = {
  json: 'print JSON',
  sandbox: 'use the private engine',
  wait: 'wait up to one hour for another gatewayctl',
  yes: 'do not ask for confirmation',
};
