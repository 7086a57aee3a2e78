import { expect } from 'vitest';
import { eventually } from '../helpers/engine.ts';
import { lostResults, startTraffic, type Traffic } from '../helpers/traffic.ts';
import type { LiveStack } from './live-stack.ts';

/** Something that is done to a running stack. */
export interface Fault {
  /** `F01`, for good. */
  readonly id: string;
  readonly name: string;
  /** When it hits: in which phase of a deploy, or between two. */
  readonly phase: string;
  /**
   * Does it, and looks at what the user is told.
   * @returns what the next `up` has to say, where it has to say something
   */
  run(stack: LiveStack, traffic: Traffic): Promise<RegExp | undefined>;
}

/** Does a fault to a stack under traffic and looks whether all that must hold held. */
export async function expectHeld(stack: LiveStack, fault: Fault): Promise<void> {
  const traffic = startTraffic(stack.worker);
  const acknowledged = (least: number) =>
    eventually(`${least} acknowledged results`, 180_000, async () => traffic.acknowledged() >= least || undefined);
  try {
    await acknowledged(1);
    const mended = await fault.run(stack, traffic);
    const text = await stack.expectWhole();
    if (mended !== undefined) expect(text).toMatch(mended);
    await acknowledged(traffic.acknowledged() + 1);
  } finally {
    await traffic.stop();
  }
  expect(await lostResults(stack.worker, await traffic.stop())).toEqual([]);
}
