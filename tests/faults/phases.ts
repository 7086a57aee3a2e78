import { eventually } from '../helpers/engine.ts';
import type { Started } from '../helpers/killed.ts';

/** Phases of an `up` with a changed gateway, by the line of Pulumi's output that begins each. */
const begins = {
  begin: /^Updating \(dev\):/m,
  build: /taxlien-gateway-image (creating|replacing|updating)/,
  prove: /taxlien-gateway-selfcheck (creating|replacing|updating)/,
  swap: /taxlien-gateway (deleting|replacing)/,
  wait: /taxlien-gateway-healthy (creating|replacing|updating)/,
} as const;

export type Phase = keyof typeof begins;

/** Waits until a deploy reaches a phase. */
export async function reached(up: Started, phase: Phase): Promise<void> {
  const isReached = await eventually(`up comes to ${phase}`, 240_000, async () =>
    begins[phase].test(up.output()) ? true : up.isRunning() ? undefined : false,
  );
  if (!isReached) throw new Error(`up ended before it reached ${phase}:\n${up.output()}`);
}
