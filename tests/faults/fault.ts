import { expect } from 'vitest';
import { eventually } from '../helpers/engine.ts';
import { lostResults, startTraffic, type Traffic } from '../helpers/traffic.ts';
import type { LiveStack } from './live-stack.ts';

/** A fault that is injected into a running stack. */
export interface Fault {
  /** `F01`; never reused. */
  readonly id: string;
  readonly name: string;
  /** When it hits: in which phase of a deploy, or between two. */
  readonly phase: string;
  /**
   * Injects it and checks what the user sees.
   * @returns what the next `up` must print, if anything
   */
  run(stack: LiveStack, traffic: Traffic): Promise<RegExp | undefined>;
}

/** Injects a fault into a stack under traffic and checks that everything holds that must hold. */
export async function expectHeld(stack: LiveStack, fault: Fault): Promise<void> {
  const traffic = startTraffic(stack.worker);
  const acknowledged = (least: number) =>
    eventually(`${least} acknowledged results`, 180_000, async () => traffic.acknowledged() >= least || undefined);
  try {
    await acknowledged(1);
    const recovery = await fault.run(stack, traffic);
    const text = await stack.expectWhole();
    if (recovery !== undefined) expect(text).toMatch(recovery);
    await acknowledged(traffic.acknowledged() + 1);
  } finally {
    await traffic.stop();
  }
  expect(await lostResults(stack.worker, await traffic.stop())).toEqual([]);
}
