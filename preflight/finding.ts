import type { DaemonFacts } from '../docker/daemon-facts.ts';
import type { Finding } from '../host/errors.ts';
import type { Source } from '../host/git.ts';
import type { Settings } from '../settings/load.ts';

/** What each check knows: the settings and the checkout. Checks read the host or the daemon, and change nothing. */
export interface HostContext {
  readonly settings: Settings;
  readonly source: Source;
  /** Settings of the other environments under the same root. */
  readonly neighbours: readonly Settings[];
}

/** What checks of the daemon know besides: all that it said, asked once. */
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
