/** Seed of all random moments of this run: `./gatewayctl test faults --seed <n>` repeats one. */
export const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 100_000));

/** Numbers from 0 to 1 that are the same for the same seed and name (mulberry32). */
function randomFor(name: string): () => number {
  let state = [...name].reduce((sum, char) => Math.imul(sum, 31) + (char.codePointAt(0) ?? 0), seed) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Moments of an `up`, as whole percents of its usual time. */
export function momentsFor(name: string, count: number): readonly number[] {
  const random = randomFor(name);
  return Array.from({ length: count }, () => Math.floor(3 + random() * 92)).sort((a, b) => a - b);
}
