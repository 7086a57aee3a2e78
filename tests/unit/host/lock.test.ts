import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { UserError } from '../../../host/errors.ts';
import { withLock } from '../../../host/lock.ts';

let dir: string;
let path: string;
let said: string[];
const progress = {
  step: (text: string) => said.push(text),
  tick: () => {},
  done: () => {},
};

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lock-'));
  path = join(dir, 'made', 'on demand', 'lock');
  said = [];
});

afterEach(() => rmSync(dir, { recursive: true }));

const options = () => ({ describe: 'toolchain', progress });

const hold = (pid: number, start: string, at = path) =>
  withLock(at, options(), async () => {
    writeFileSync(
      at,
      JSON.stringify({ pid, start, nonce: `${pid}`, bootId: 'one-boot', describe: 'test', since: 'now' }),
    );
    return readFileSync(at, 'utf8');
  }).then((content) => writeFileSync(at, content));

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  if (child.pid === undefined) throw new Error('no child');
  return child.pid;
}

test('returns the result of the work, and leaves nothing behind', async () => {
  await expect(withLock(path, options(), async () => existsSync(path))).resolves.toBe(true);
  expect(readdirSync(join(dir, 'made', 'on demand'))).toEqual([]);
});

test('is free again after work that failed', async () => {
  await expect(withLock(path, options(), () => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
  await expect(withLock(path, options(), async () => 'again')).resolves.toBe('again');
});

test('lets one at a time in', async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setTimeout(resolve, 10));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 5 }, () => withLock(path, options(), work)));
  expect(most).toBe(1);
});

test('takes over from a holder that is gone', async () => {
  await hold(await deadPid(), 'any');
  await expect(withLock(path, options(), async () => 'taken')).resolves.toBe('taken');
  expect(said).toEqual([]);
});

test('takes over from a holder whose pid now belongs to another process', async () => {
  await hold(process.pid, 'an earlier start');
  await expect(withLock(path, options(), async () => 'taken')).resolves.toBe('taken');
});

test('takes over if the process that was taking over is gone too', async () => {
  const pid = await deadPid();
  await hold(pid, 'any');
  await hold(pid, 'any', `${path}.recovery`);
  await expect(withLock(path, options(), async () => 'taken')).resolves.toBe('taken');
  expect(readdirSync(join(dir, 'made', 'on demand'))).toEqual([]);
});

test('of many that see the same dead holder, one at a time gets in', async () => {
  await hold(await deadPid(), 'any');
  let inside = 0;
  const work = async () => {
    inside += 1;
    expect(inside).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, () => withLock(path, options(), work)));
});

test('waits for a living holder, reports it, and gives up at the deadline', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const pid = child.pid ?? 0;
  const startOf = async (asked: number) => `start of ${asked}`;
  try {
    await hold(pid, `start of ${pid}`);
    const failed = await withLock(path, { ...options(), startOf, timeoutMs: 300 }, async () => 'in').catch((e) => e);
    expect(failed).toBeInstanceOf(UserError);
    expect(failed.code).toBe('E_LOCKED');
    expect(failed.message).toContain(`held by process ${pid}`);
    expect(failed.message).toContain(', boot one-boot');
    expect(failed.fix).toContain(`kill ${pid}`);
    expect(said).toEqual([`toolchain: waiting for process ${pid}, which works on it`]);
  } finally {
    child.kill();
  }
});

test.each(['', '{"pid":4', '\0\0\0\0'])('takes over a file that is no lock (%j)', async (text) => {
  await withLock(path, options(), async () => {});
  writeFileSync(path, text);
  await expect(withLock(path, options(), async () => 'taken')).resolves.toBe('taken');
  expect(readdirSync(join(dir, 'made', 'on demand'))).toEqual([]);
});
