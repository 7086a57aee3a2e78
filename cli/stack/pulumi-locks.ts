import { existsSync, readdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../host/errors.ts';
import { processStartMs } from '../../host/lock.ts';
import type { Progress } from '../../host/output.ts';
import { programName } from '../../host/processes.ts';
import { waitUntil } from '../../host/wait.ts';
import { readJson } from '../../host/whole-file.ts';
import type { Instance } from '../../settings/instance.ts';
import { pulumiLocksDir } from './state-files.ts';

/** Tolerance for the rounding of `ps` and for a clock that was set meanwhile. */
const clockSlackMs = 2_000;

/** How long to wait for a running process: the Pulumi of a killed gatewayctl may still finish. */
const patienceMs = 120_000;

/** Pulumi writes a lock to a `.tmp` file and renames it at once. */
const draftMs = 1_000;

/** A lock file as Pulumi's file backend writes it. */
interface PulumiLock {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: string;
}

/**
 * Removes Pulumi's locks of dead processes, and waits for running ones to end: Pulumi never clears the lock of a killed
 * run, and its `cancel` also clears the lock of a running one.
 * @returns one line for each lock that was removed
 * @throws UserError E_STATE_LOCKED if a running process still holds the lock
 */
export async function clearDeadLocks(instance: Instance, progress: Progress): Promise<string[]> {
  const dir = pulumiLocksDir(instance);
  if (!existsSync(dir)) return [];
  const done: string[] = [];
  for (const name of readdirSync(dir).filter((entry) => entry.endsWith('.json'))) {
    const path = join(dir, name);
    const lock = readJson(path) as PulumiLock | undefined;
    if (lock !== undefined && (await isHeldForLong(path, lock, progress))) {
      throw new UserError(
        'E_STATE_LOCKED',
        `${path}: process ${lock.pid} of ${lock.username} on ${lock.hostname} has locked the state since ${lock.timestamp}`,
        `Wait until it ends (ps -p ${lock.pid}), then run the same command again.`,
      );
    }
    if (!existsSync(path)) continue;
    rmSync(path, { force: true });
    rmSync(`${path}.attrs`, { force: true });
    done.push(`removed the lock of a dead process (${lock?.pid ?? 'unreadable'})`);
  }
  return [...done, ...(await clearDrafts(dir))];
}

/** Removes the `.tmp` files of a killed Pulumi: Pulumi counts them as locks. */
async function clearDrafts(dir: string): Promise<readonly string[]> {
  const drafts = () => readdirSync(dir).filter((name) => name.endsWith('.tmp'));
  const found = drafts();
  if (found.length === 0) return [];
  await sleep(draftMs);
  const left = drafts().filter((name) => found.includes(name));
  for (const name of left) rmSync(join(dir, name), { force: true });
  return left.map((name) => `removed the lock that a killed process left unfinished (${name})`);
}

async function isHeldForLong(path: string, lock: PulumiLock, progress: Progress): Promise<boolean> {
  const isLocal = lock.hostname === hostname();
  const { last } = await waitUntil(async () => existsSync(path) && (await isHeld(lock)), {
    isOver: (isStillHeld) => !isStillHeld || !isLocal,
    timeoutMs: patienceMs,
    mostPauseMs: 500,
    onPause(_, isFirst) {
      const text = `waiting for process ${lock.pid}, which has locked the state`;
      if (isFirst) progress.step(text);
      else progress.tick(text);
    },
  });
  return last;
}

/**
 * A lock of another host always counts as held. A reused pid does not: its program is not `pulumi` (Linux), or its process
 * started after the lock was written (other systems).
 */
async function isHeld(lock: PulumiLock): Promise<boolean> {
  if (lock.hostname !== hostname()) return true;
  if (process.platform === 'linux') return programName(lock.pid) === 'pulumi';
  const startMs = await processStartMs(lock.pid);
  return startMs !== undefined && startMs <= Date.parse(lock.timestamp) + clockSlackMs;
}
