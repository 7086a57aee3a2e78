import { setTimeout as sleep } from 'node:timers/promises';

/** Time as a wait sees it; a test has one of its own. */
export interface Clock {
  /** Milliseconds that only ever grow, whatever the system's clock is set to. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

export const systemClock: Clock = { now: () => performance.now(), sleep };

export interface WaitOptions<T> {
  /** Whether there is nothing more to wait for: what was waited for is there, or never will be. */
  readonly isOver: (seen: T) => boolean;
  /** Measured by the clock from the first look on: a look that takes long counts as well. */
  readonly timeoutMs: number;
  /** Pause after the first look; each later one is twice as long, up to `mostPauseMs`. */
  readonly firstPauseMs?: number;
  readonly mostPauseMs?: number;
  /** Called before each pause, to report what is waited for. */
  readonly onPause?: (seen: T, isFirst: boolean) => void;
  readonly clock?: Clock;
}

/** How a wait ended; `last` says whether well or at the deadline. */
export interface Waited<T> {
  /** What the last look saw. */
  readonly last: T;
  readonly waitedMs: number;
}

/** Looks again and again until `isOver` or until the time is up; there is always one look at or after the deadline. */
export async function waitUntil<T>(look: () => T | Promise<T>, options: WaitOptions<T>): Promise<Waited<T>> {
  const { isOver, timeoutMs, firstPauseMs = 50, mostPauseMs = 1_000, onPause, clock = systemClock } = options;
  const startMs = clock.now();
  for (let pauseMs = firstPauseMs, isFirst = true; ; pauseMs = Math.min(2 * pauseMs, mostPauseMs), isFirst = false) {
    const last = await look();
    const waitedMs = clock.now() - startMs;
    if (isOver(last) || waitedMs >= timeoutMs) return { last, waitedMs };
    onPause?.(last, isFirst);
    await clock.sleep(Math.min(pauseMs, timeoutMs - waitedMs));
  }
}
