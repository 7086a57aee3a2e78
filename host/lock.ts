import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { childEnvironment } from './environment.ts';
import { UserError } from './errors.ts';
import type { Progress } from './output.ts';
import { run } from './process.ts';
import { identify, readBootId } from './processes.ts';
import { waitUntil } from './wait.ts';
import { createWhole, parseJson, readIfThere } from './whole-file.ts';

export interface LockOptions {
  /** What is locked, as shown to waiting processes: `toolchain`, `sandbox default`. */
  readonly describe: string;
  readonly progress: Progress;
  /** How long to wait for a live holder; default one hour. */
  readonly timeoutMs?: number;
  /** Start time of a process, in any notation that differs between two; undefined if it does not run. */
  readonly startOf?: (pid: number) => Promise<string | undefined>;
}

/** Who holds a lock. `start` distinguishes a process from a later one with the same pid. */
const holderSchema = z.object({
  pid: z.int(),
  start: z.string(),
  nonce: z.string(),
  /** What it does, and since when (ISO 8601), as shown to other processes. */
  describe: z.string(),
  since: z.string(),
  /** The kernel's id of the boot that it runs in; Linux only. */
  bootId: z.string().optional(),
});

type Holder = Readonly<z.infer<typeof holderSchema>>;

/**
 * Runs `work` while no other process on this machine runs it under the same path. A lock whose holder is gone is
 * taken over; the lock of a live holder is waited for.
 * @throws UserError E_LOCKED if the holder is still alive after `timeoutMs`
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const release = await acquire(path, options);
  try {
    return await work();
  } finally {
    release();
  }
}

async function acquire(path: string, options: LockOptions): Promise<() => void> {
  const { describe, progress, timeoutMs = 3_600_000, startOf = processStart } = options;
  const start = await startOf(process.pid);
  if (start === undefined) throw new Error(`${path}: this process (pid ${process.pid}) is not in the process list`);
  const mine: Holder = {
    pid: process.pid,
    start,
    nonce: randomUUID(),
    describe,
    since: new Date().toISOString(),
    ...(process.platform === 'linux' ? { bootId: readBootId() } : {}),
  };
  /** The live holder; `undefined` once this process has the lock. */
  const tryTake = async (): Promise<Holder | undefined> => {
    while (!tryCreate(path, mine)) {
      const holder = readHolder(path);
      if (holder === undefined) continue;
      if ((await startOf(holder.pid)) === holder.start) return holder;
      await removeDead(path, holder, options);
    }
    return undefined;
  };
  const { last: holder } = await waitUntil(tryTake, {
    isOver: (held) => held === undefined,
    timeoutMs,
    mostPauseMs: 250,
    onPause(held, isFirst) {
      const text = `${describe}: waiting for process ${held?.pid}, which works on it`;
      if (isFirst) progress.step(text);
      else progress.tick(text);
    },
  });
  if (holder === undefined) return () => rmSync(path, { force: true });
  const waited = timeoutMs === 0 ? '' : `, waited for ${Math.round(timeoutMs / 1000)} s`;
  const boot = holder.bootId === undefined ? '' : `, boot ${holder.bootId}`;
  throw new UserError(
    'E_LOCKED',
    `${path}: held by process ${holder.pid} since ${holder.since} (${holder.describe}${boot}${waited})`,
    `Wait until it ends; see it: ps -p ${holder.pid}. If it hangs: kill ${holder.pid}`,
  );
}

/** The removal has its own lock: of two processes that saw the same dead holder, the slower would remove the faster's new lock. */
async function removeDead(path: string, dead: Holder, options: LockOptions): Promise<void> {
  const release = await acquire(`${path}.recovery`, options);
  try {
    if (readHolder(path)?.nonce === dead.nonce) rmSync(path, { force: true });
  } finally {
    release();
  }
}

/** Creates the lock with its content atomically, unless it exists. */
function tryCreate(path: string, holder: Holder): boolean {
  mkdirSync(dirname(path), { recursive: true });
  return createWhole(path, JSON.stringify(holder), 0o644);
}

function readHolder(path: string): Holder | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  // Locks are written atomically: an unreadable one has no live holder, and was damaged, for example by a failing disk.
  const unreadable = { pid: 0, start: 'never', nonce: text, describe: 'unreadable', since: 'an unknown time' };
  return holderSchema.safeParse(parseJson(text)).data ?? unreadable;
}

/** When a process started, in ms since the epoch, to the second; `undefined` if it does not run. */
export async function processStartMs(pid: number): Promise<number | undefined> {
  const { stdout } = await run(['ps', '-o', 'stat=', '-o', 'etime=', '-p', String(pid)], { allowedExitCodes: [0, 1] });
  // Z: a zombie has ended.
  const match = /^[^Z]\S* +(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)$/.exec(stdout.trim());
  if (match === null) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  return Date.now() - (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}

async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const id = identify(pid);
    return id && `${id.bootId} ${id.startTime}`;
  }
  const { stdout } = await run(['ps', '-o', 'lstart=', '-p', String(pid)], {
    env: childEnvironment({ LC_ALL: 'C', TZ: 'UTC' }),
    allowedExitCodes: [0, 1],
  });
  return stdout.trim() === '' ? undefined : stdout.trim();
}
