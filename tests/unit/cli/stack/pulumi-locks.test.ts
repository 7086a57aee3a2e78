import { spawn } from 'node:child_process';
import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { clearDeadLocks } from '../../../../cli/stack/pulumi-locks.ts';
import { pulumiLocksDir } from '../../../../cli/stack/state-files.ts';
import { testInstance } from '../../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

function lockOf(lock: { readonly pid: number; readonly hostname?: string; readonly timestamp?: string }) {
  const instance = testInstance();
  const dir = pulumiLocksDir(instance);
  const whole = { hostname: hostname(), timestamp: new Date().toISOString(), ...lock, username: 'operator' };
  writeFiles(dir, { 'a.json': JSON.stringify(whole) });
  return { instance, isThere: () => existsSync(join(dir, 'a.json')) };
}

function sayings() {
  const said: string[] = [];
  return { said, progress: { step: (text: string) => said.push(text), tick: () => {}, done: () => {} } };
}

test('the lock of a dead process whose id was reused is removed at once', async () => {
  const { said, progress } = sayings();
  const { instance, isThere } = lockOf({ pid: process.pid, timestamp: '2020-01-01T00:00:00Z' });
  expect(await clearDeadLocks(instance, progress)).toEqual([`removed the lock of a dead process (${process.pid})`]);
  expect(isThere()).toBe(false);
  expect(said).toEqual([]);
});

test('a living process that is no Pulumi is not the holder, however old it is', async () => {
  const { instance, isThere } = lockOf({ pid: process.pid });
  expect(await clearDeadLocks(instance, sayings().progress)).toHaveLength(1);
  expect(isThere()).toBe(false);
});

test('a half-written lock of a killed process is removed', async () => {
  const instance = testInstance();
  const dir = pulumiLocksDir(instance);
  writeFiles(dir, { 'a.json.0f.tmp': '{"pid":' });
  expect(await clearDeadLocks(instance, sayings().progress)).toEqual([
    'removed the lock that a killed process left unfinished (a.json.0f.tmp)',
  ]);
  expect(readdirSync(dir)).toEqual([]);
});

test('a living process of this host is waited for, and its lock is removed when it has died', async () => {
  const { said, progress } = sayings();
  const dir = temporaryDir();
  symlinkSync('/bin/sleep', join(dir, 'pulumi'));
  const child = spawn(join(dir, 'pulumi'), ['1']);
  const { instance, isThere } = lockOf({ pid: child.pid ?? 0 });
  expect(await clearDeadLocks(instance, progress)).toHaveLength(1);
  expect(said).toEqual([`waiting for process ${child.pid}, which has locked the state`]);
  expect(isThere()).toBe(false);
});

test('the lock of another host is never touched', async () => {
  const { instance, isThere } = lockOf({ pid: 1, hostname: 'elsewhere' });
  await expect(clearDeadLocks(instance, sayings().progress)).rejects.toMatchObject({ code: 'E_STATE_LOCKED' });
  expect(isThere()).toBe(true);
});
