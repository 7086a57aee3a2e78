import type { ErrorCode } from './error-codes.ts';

/** An error that the user can fix: shown as its text, without a stack trace, exit 1. */
export class UserError extends Error {
  /** Stable name of the problem: `E_PORT_TAKEN`. */
  readonly code: ErrorCode;
  /** The command or edit that fixes it; empty if the message itself lists the fixes. */
  readonly fix: string;

  constructor(code: ErrorCode, message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UserError';
    this.code = code;
    this.fix = fix;
  }

  /** What a person reads: `CODE  where: rule (got)`, then the fix on a line of its own. */
  get text(): string {
    return `${this.code}  ${this.message}\n${this.fix}`.trimEnd();
  }
}

/** Whether an error is an answer that the work can continue with; a stop signal and a defect are not. */
export const isRefusal = (error: unknown): error is UserError =>
  error instanceof UserError && error.code !== 'E_STOPPED';

/** Handler for `catch`: returns this value for a refusal, and throws any other error again. */
export const ifRefused =
  <T>(value: T) =>
  (error: unknown): T => {
    if (isRefusal(error)) return value;
    throw error;
  };

/** One problem, found before anything was changed. */
export interface Finding {
  /** Stable name of the problem: `E_PORT_TAKEN`. */
  readonly code: ErrorCode;
  /** An error stops a deploy before anything changes; a warning does not. */
  readonly severity: 'error' | 'warning';
  /** `where: rule (got)`. */
  readonly message: string;
  /** What goes wrong if it is not fixed; absent if the rule is clear enough. */
  readonly why?: string;
  /** The command or edit that fixes it. */
  readonly fix: string;
}

/** An error whose rule is clear enough. */
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
