import { expect, test } from 'vitest';
import { waitUntil } from '../../../host/wait.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';

const never = { isOver: () => false, timeoutMs: 60_000 };

test('slow checks count in the time limit: six of 10 s each are a minute', async () => {
  const clock = fakeClock();
  let looks = 0;
  const look = () => {
    clock.add(10_000);
    looks += 1;
    return `look ${looks}`;
  };
  expect(await waitUntil(look, { ...never, firstPauseMs: 1, mostPauseMs: 1, clock })).toEqual({
    last: 'look 6',
    waitedMs: 60_005,
  });
});

test('pauses grow up to the longest; the last check is at the deadline', async () => {
  const clock = fakeClock();
  const waited = await waitUntil(() => 'starting', { ...never, firstPauseMs: 10_000, mostPauseMs: 25_000, clock });
  expect(clock.slept).toEqual([10_000, 20_000, 25_000, 5_000]);
  expect(waited).toEqual({ last: 'starting', waitedMs: 60_000 });
});

test('ends as soon as the result is final, and reports each pause before', async () => {
  const clock = fakeClock();
  const states = ['no answer', 'starting', 'healthy'];
  const reported: unknown[] = [];
  const waited = await waitUntil(async () => states.shift() ?? 'gone', {
    isOver: (seen) => seen === 'healthy',
    timeoutMs: 60_000,
    firstPauseMs: 100,
    onPause: (...said) => reported.push(said),
    clock,
  });
  expect(waited).toEqual({ last: 'healthy', waitedMs: 300 });
  expect(reported).toEqual([
    ['no answer', true],
    ['starting', false],
  ]);
});

test('a time limit of zero is one check', async () => {
  const clock = fakeClock();
  expect(await waitUntil(() => 'held', { ...never, timeoutMs: 0, clock })).toEqual({ last: 'held', waitedMs: 0 });
  expect(clock.slept).toEqual([]);
});

test('a check that fails ends the wait with its error', async () => {
  const look = () => Promise.reject(new Error('no daemon'));
  await expect(waitUntil(look, { ...never, clock: fakeClock() })).rejects.toThrow('no daemon');
});
