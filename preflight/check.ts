import type { DaemonFacts } from '../docker/daemon-facts.ts';
import type { Finding } from '../host/errors.ts';
import type { Source } from '../host/git.ts';
import type { Settings } from '../settings/load.ts';

/** Input of each check. Checks read the host or the daemon, and change nothing. */
export interface HostContext {
  readonly settings: Settings;
  readonly source: Source;
  /** Settings of the other environments under the same root. */
  readonly neighbours: readonly Settings[];
}

/** Input of checks of the daemon: its facts too, read once. */
interface DaemonContext extends HostContext {
  readonly daemon: DaemonFacts;
}

type Findings = readonly Finding[] | Promise<readonly Finding[]>;

/** A check of the host; it runs without a daemon too. */
export interface HostCheck {
  readonly name: string;
  readonly reads: 'host';
  run(context: HostContext): Findings;
}

export interface DaemonCheck {
  readonly name: string;
  readonly reads: 'daemon';
  run(context: DaemonContext): Findings;
}

export type Check = HostCheck | DaemonCheck;
