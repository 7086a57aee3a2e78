import { setTimeout as sleep } from 'node:timers/promises';

/** Time source of a wait; tests have their own. */
export interface Clock {
  /** Monotonic milliseconds, independent of changes to the system's clock. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

export const systemClock: Clock = { now: () => performance.now(), sleep };

export interface WaitOptions<T> {
  /** Whether the wait is over: the condition holds, or never will. */
  readonly isOver: (seen: T) => boolean;
  /** Measured from the first look on, and including the time that looks take. */
  readonly timeoutMs: number;
  /** Pause after the first look; each later one is twice as long, up to `mostPauseMs`. */
  readonly firstPauseMs?: number;
  readonly mostPauseMs?: number;
  /** Called before each pause, to report what is waited for. */
  readonly onPause?: (seen: T, isFirst: boolean) => void;
  readonly clock?: Clock;
}

/** Result of a wait; `last` shows whether it succeeded or timed out. */
export interface Waited<T> {
  /** Result of the last look. */
  readonly last: T;
  readonly waitedMs: number;
}

/** Looks repeatedly until `isOver` or the time-out; there is always one look at or after the deadline. */
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
