import type { ErrorCode } from './error-codes.ts';

/** One thing that is wrong, found before anything was changed. */
export interface Finding {
  /** Stable name of the problem: `E_PORT_TAKEN`. */
  readonly code: ErrorCode;
  /** An error stops a deploy before anything changes; a warning does not. */
  readonly severity: 'error' | 'warning';
  /** `where: rule (got)`. */
  readonly message: string;
  /** What goes wrong if it is not fixed; absent where the rule says enough. */
  readonly why?: string;
  /** The command or edit that fixes it. */
  readonly fix: string;
}

/** An error whose rule says enough. */
export const errorFinding = (code: ErrorCode, message: string, fix: string): Finding => ({
  code,
  severity: 'error',
  message,
  fix,
});

/** One finding as text: `CODE  where: rule (got). Fix.`; with a reason, the fix is on a line of its own. */
export function findingText({ code, message, why, fix }: Finding): string {
  return `${code}  ${message}. ${why === undefined ? fix : `${why}\n  ${fix}`}`.trimEnd();
}
