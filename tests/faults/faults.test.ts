import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { note } from '../../cli/output.ts';
import { isWriting, writeFault } from '../helpers/reliability.ts';
import { faults } from './all.ts';
import { expectHeld, type Fault } from './fault.ts';
import { LiveStack } from './live-stack.ts';
import { seed } from './random.ts';

const asked = process.env.TEST_FAULTS?.split(',');
const chosen = asked === undefined ? faults : asked.flatMap((wanted) => faults.filter(({ id }) => id === wanted));
const minute = 60_000;

describe('a stack that a worker works with', () => {
  let stack: LiveStack;
  let isWell = true;

  beforeAll(async () => {
    note(`faults: seed ${seed}; the same moments again: ./gatewayctl test faults --seed ${seed}`);
    stack = await LiveStack.start('faults');
    await stack.save();
  }, 10 * minute);

  afterAll(async () => {
    await stack.end();
  }, 5 * minute);

  async function tried(fault: Fault): Promise<string> {
    try {
      if (!isWell) await stack.restore();
      isWell = false;
      await expectHeld(stack, fault);
      isWell = true;
      return 'held';
    } catch (error) {
      const { message, cause, actual } = error as Error & { readonly actual?: unknown };
      note([`${fault.id}: ${message}`, cause, actual].filter((part) => part !== undefined).join('\n'));
      return `failed: ${message.split('\n')[0]}`;
    }
  }

  test.each(chosen)(
    '$id $name',
    async (fault) => {
      const startedMs = performance.now();
      const result = await tried(fault);
      note(`${fault.id} ${result} (${Math.round((performance.now() - startedMs) / 1000)} s): ${fault.name}`);
      if (isWriting) writeFault([fault.id, fault.name, fault.phase, result], faults.length);
      expect(result).toBe('held');
    },
    12 * minute,
  );
});
