import type { Settings } from '../settings/load.ts';
import type { Source } from '../settings/source.ts';

/** What a check knows: the settings and the checkout. Checks read the host or the daemon, and change nothing. */
export interface CheckContext {
  readonly settings: Settings;
  readonly source: Source;
  /** Address of the daemon, as DOCKER_HOST takes it. */
  readonly dockerHost: string;
}

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

export interface Check {
  readonly name: string;
  /** What it reads; the program runs those that read settings, host and daemon. */
  readonly reads: 'settings' | 'host' | 'daemon';
  run(context: CheckContext): Promise<readonly Finding[]>;
}
