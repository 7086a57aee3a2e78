import { expect, test } from 'vitest';
import { run } from '../../../host/process.ts';
import { end, identify, isAlive, processesInCgroup, processesWithArgs, signal } from '../../../host/processes.ts';

test('a process is known by its start, not by its pid alone', () => {
  const self = identify(process.pid);
  if (self === undefined) throw new Error('this process is not in /proc');
  expect(isAlive(self)).toBe(true);
  expect(isAlive({ ...self, startTime: `${Number(self.startTime) + 1}` })).toBe(false);
  expect(isAlive({ ...self, bootId: 'another boot' })).toBe(false);
});

test('a signal for an earlier process of the same pid goes nowhere', () => {
  const self = identify(process.pid);
  if (self === undefined) throw new Error('this process is not in /proc');
  signal({ ...self, startTime: '1' }, 'SIGKILL');
  expect(isAlive(self)).toBe(true);
});

test('finds processes by whole neighbouring arguments, and ends them', async () => {
  const mark = `mark-${process.pid}`;
  // No shell: for a moment its child has the same arguments.
  const ended = run(['tail', '-f', '/dev/null', '--', '-address', mark], { allowedExitCodes: 'any' }).catch(
    (error: Error) => error,
  );
  await expect.poll(() => processesWithArgs(['-address', mark]).length).toBe(1);
  expect(processesWithArgs(['-address', mark.slice(0, -1)])).toEqual([]);
  expect(processesWithArgs(['--', mark])).toEqual([]);
  const found = processesWithArgs(['-address', mark]);
  await end(found, 'SIGTERM', 5_000);
  expect(found.map(isAlive)).toEqual([false]);
  expect(String(await ended)).toContain('SIGTERM');
});

test('a cgroup that does not exist has no processes', () => {
  expect(processesInCgroup('/taxlien-gateway-none')).toEqual([]);
});
