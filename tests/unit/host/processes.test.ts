import { expect, test } from 'vitest';
import { run } from '../../../host/process.ts';
import {
  end,
  endWithVariable,
  identify,
  isAlive,
  processesInCgroup,
  processesWithArgs,
  signal,
} from '../../../host/processes.ts';

test('a process is identified by its start time, not by its pid alone', () => {
  const self = identify(process.pid);
  if (self === undefined) throw new Error('this process is not in /proc');
  expect(isAlive(self)).toBe(true);
  expect(isAlive({ ...self, startTime: `${Number(self.startTime) + 1}` })).toBe(false);
  expect(isAlive({ ...self, bootId: 'another boot' })).toBe(false);
});

test('a signal for an earlier process of the same pid is not sent', () => {
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

test('ends all with a variable in their environment, also one that ignores SIGTERM', async () => {
  const mark = `mark-${process.pid}`;
  const start = (script: string) =>
    run([process.execPath, '-e', `${script}; setInterval(() => {}, 1000); console.log('started')`], {
      env: { ...process.env, MARK: mark },
      onLine: () => started.push(script),
    }).catch((error: Error) => error.message.split('\n')[0]?.replace(/.*: /, ''));
  const started: string[] = [];
  const ended = Promise.all([start('0'), start("process.on('SIGTERM', () => {})")]);
  await expect.poll(() => started.length, { timeout: 20_000 }).toBe(2);
  expect(await endWithVariable('MARK=another', 200)).toBe(0);
  expect(await endWithVariable(`MARK=${mark}`, 200)).toBe(2);
  expect(await ended).toEqual(['ended by SIGTERM', 'ended by SIGKILL']);
});

test('a cgroup that does not exist has no processes', () => {
  expect(processesInCgroup('/taxlien-gateway-none')).toEqual([]);
});
