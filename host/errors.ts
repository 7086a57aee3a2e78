import type { ErrorCode } from './error-codes.ts';

/** An error that the user can fix: shown as its text, without a stack, exit 1. */
export class UserError extends Error {
  /** Stable name of the problem: `E_PORT_TAKEN`. */
  readonly code: ErrorCode;
  /** The command or edit that fixes it; empty where the message itself lists the fixes. */
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

/** Handler for `catch`: gives this value where something was refused. Any other error stays one. */
export const ifRefused =
  <T>(value: T) =>
  (error: unknown): T => {
    if (error instanceof UserError) return value;
    throw error;
  };
