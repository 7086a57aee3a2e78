import { cpus } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { note } from '../../host/output.ts';
import { type FaultRow, faultsTable, isWriting, writeFault, writeReliability } from '../helpers/reliability.ts';
import { faults } from './all.ts';
import { expectHeld, type Fault } from './fault.ts';
import { LiveStack } from './live-stack.ts';
import { seed } from './random.ts';

const asked = process.env.TEST_FAULTS?.split(',');
const chosen = asked === undefined ? faults : asked.flatMap((wanted) => faults.filter(({ id }) => id === wanted));
const minute = 60_000;
const mostMinutes = 40;

/** The failure in one line. `up`'s output precedes a failed assertion and follows any other error. */
function shortly({ name, message }: Error): string {
  const lines = message.trim().split('\n');
  const line = lines.find((each) => / error: /.test(each)) ?? lines.at(name === 'AssertionError' ? -1 : 0);
  return (line ?? '').trim().slice(0, 300);
}

describe('a stack that a worker works with', () => {
  const beganMs = performance.now();
  const minutes = () => Math.ceil((performance.now() - beganMs) / minute);
  const ran: FaultRow[] = [];
  let stack: LiveStack;
  let isWell = true;

  beforeAll(async () => {
    note(`faults: seed ${seed}; the same moments again: ./gatewayctl test faults --seed ${seed}`);
    stack = await LiveStack.start('faults');
    await stack.save();
  }, 10 * minute);

  afterAll(async () => {
    await stack.end();
    if (asked === undefined) expect(minutes()).toBeLessThanOrEqual(mostMinutes);
  }, 5 * minute);

  /** A run of all faults replaces the whole table, a run of some only their rows. */
  function write(row: FaultRow): void {
    ran.push(row);
    const done = `${ran.length} of ${faults.length} faults in ${minutes()} minutes on ${cpus().length} cores`;
    if (asked !== undefined) writeFault(row, faults.length);
    else writeReliability('faults', faultsTable(`One run: ${done}, seed ${seed}.`, ran));
  }

  async function tried(fault: Fault): Promise<string> {
    try {
      if (!isWell) await stack.restore();
      isWell = false;
      await expectHeld(stack, fault);
      isWell = true;
      return ['held', ...stack.notes.splice(0)].join('; ');
    } catch (error) {
      const { message, cause, actual } = error as Error & { readonly actual?: unknown };
      note([`${fault.id}: ${message}`, cause, actual].filter((part) => part !== undefined).join('\n'));
      return `failed: ${[...stack.notes.splice(0), shortly(error as Error)].join('; ')}`;
    }
  }

  test.each(chosen)(
    '$id $name',
    async (fault) => {
      const startedMs = performance.now();
      const result = await tried(fault);
      note(`${fault.id} ${result} (${Math.round((performance.now() - startedMs) / 1000)} s): ${fault.name}`);
      if (isWriting) write([fault.id, fault.name, fault.phase, result]);
      expect(result).toMatch(/^held/);
    },
    12 * minute,
  );
});
