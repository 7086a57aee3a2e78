/** An error that the user can mend: shown as message and fix, without a stack, exit 1. */
export class UserError extends Error {
  /** Stable name of the problem, for scripts: `E_PORT_TAKEN`. */
  readonly code: string;
  /** The command or edit that mends it; empty where the message itself lists the fixes. */
  readonly fix: string;

  constructor(code: string, message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UserError';
    this.code = code;
    this.fix = fix;
  }
}
