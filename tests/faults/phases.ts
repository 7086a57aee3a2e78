import { eventually } from '../helpers/engine.ts';
import type { Started } from '../helpers/killed.ts';

/** Phases of an `up` with a changed gateway, by the line of Pulumi's that each begins with. */
const begins = {
  build: /taxlien-gateway-image (creating|replacing|updating)/,
  prove: /taxlien-gateway-selfcheck (creating|replacing|updating)/,
  swap: /taxlien-gateway (deleting|replacing)/,
  wait: /taxlien-gateway-healthy (creating|replacing|updating)/,
} as const;

export type Phase = keyof typeof begins;

/** Waits until a deploy comes to a phase. */
export async function reached(up: Started, phase: Phase): Promise<void> {
  await eventually(`up comes to ${phase}`, 120_000, async () => {
    if (begins[phase].test(up.output())) return true;
    if (up.isRunning()) return undefined;
    throw new Error(`up ended before:\n${up.output()}`);
  });
}
