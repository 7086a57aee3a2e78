import type { Clock } from '../../host/wait.ts';

/** A clock that advances only by what is slept and what is added. */
export function fakeClock(): Clock & { readonly slept: readonly number[]; add(ms: number): void } {
  let nowMs = 0;
  const slept: number[] = [];
  const add = (ms: number) => {
    nowMs += ms;
  };
  return {
    now: () => nowMs,
    sleep: async (ms) => {
      slept.push(ms);
      add(ms);
    },
    slept,
    add,
  };
}
