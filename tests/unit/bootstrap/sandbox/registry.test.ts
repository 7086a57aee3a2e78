import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { isRegistryReachable } from '../../../../bootstrap/sandbox/registry.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

function progress() {
  const steps: string[] = [];
  return { steps, step: (text: string) => void steps.push(text), tick() {}, done() {} };
}

test.each([true, false])('checks once, reports the result, and remembers it for an hour (%s)', async (isReachable) => {
  const dir = join(temporaryDir(), 'cache');
  const probe = vi.fn(async () => isReachable);
  const said = progress();
  let nowMs = 1_000_000;
  const ask = () => isRegistryReachable(dir, said, probe, () => nowMs);
  expect([await ask(), await ask()]).toEqual([isReachable, isReachable]);
  expect(probe).toHaveBeenCalledTimes(1);
  expect(said.steps).toEqual([expect.stringContaining(isReachable ? 'official images' : 'stand-in images')]);
  nowMs += 60 * 60 * 1000;
  await ask();
  expect(probe).toHaveBeenCalledTimes(2);
});

test('a broken cache file is ignored', async () => {
  const dir = temporaryDir();
  writeFiles(dir, { 'registry.json': '{"isReachable": "yes"' });
  const probe = vi.fn(async () => true);
  expect(await isRegistryReachable(dir, progress(), probe)).toBe(true);
  expect(probe).toHaveBeenCalledTimes(1);
});
