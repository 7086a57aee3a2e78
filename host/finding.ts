export interface Finding {
  /** Stable name for scripts: `E_PORT_TAKEN`. */
  readonly code: string;
  /** An error stops a deploy before anything changes; a warning does not. */
  readonly severity: 'error' | 'warning';
  /** `where: rule (got)`. */
  readonly message: string;
  /** What goes wrong if nobody mends it. */
  readonly why: string;
  /** The command or edit that mends it. */
  readonly fix: string;
}
/** One finding as lines of text. */
export const findingText = ({ code, message, why, fix }: Finding) => `${code} ${message}. ${why}\n  ${fix}`;
