import { byHand } from './by-hand.ts';
import { clock } from './clock.ts';
import { engineFaults } from './engine-faults.ts';
import type { Fault } from './fault.ts';
import { kills, killsInARow } from './kills.ts';
import { stateFaults } from './state-faults.ts';
import { stops } from './stops.ts';
import { surroundings } from './surroundings.ts';

/** All faults, in the order in which they run. */
export const faults: readonly Fault[] = [
  ...kills,
  killsInARow,
  ...stops,
  ...engineFaults,
  ...byHand,
  ...stateFaults,
  ...surroundings,
  clock,
];
