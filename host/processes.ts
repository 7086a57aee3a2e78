import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { waitUntil } from './wait.ts';

/** A process that no later one can be taken for: pids come back, start times within one boot do not. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/<pid>/stat. */
  readonly startTime: string;
  readonly bootId: string;
}

export function identify(pid: number): ProcessId | undefined {
  const stat = readProc(pid, 'stat');
  if (stat === undefined) return undefined;
  // The command's name, in brackets, may hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTime = fields[19];
  if (startTime === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, startTime, bootId: readBootId() };
}

export function isAlive(id: ProcessId): boolean {
  const now = identify(id.pid);
  return now !== undefined && now.startTime === id.startTime && now.bootId === id.bootId;
}

/** Name of a living process's program, of 15 characters at most; undefined where it is gone. */
export const programName = (pid: number): string | undefined =>
  identify(pid) === undefined ? undefined : readProc(pid, 'comm')?.trim();

/** Name of the program that started a process; undefined where one of them is gone. */
export function parentName(pid: number): string | undefined {
  const parent = readProc(pid, 'status')?.match(/^PPid:\t(\d+)$/m)?.[1];
  return parent === undefined ? undefined : programName(Number(parent));
}

/** All processes whose argument list holds `args` one after the other. */
export function processesWithArgs(args: readonly string[]): ProcessId[] {
  const wanted = `\0${args.join('\0')}\0`;
  return processesWhere((pid) => `\0${readProc(pid, 'cmdline') ?? ''}`.includes(wanted));
}

/** All processes whose environment at their start held `NAME=value`; none where there is no /proc. */
export function processesWithVariable(entry: string): ProcessId[] {
  return processesWhere((pid) => `\0${readProc(pid, 'environ') ?? ''}`.includes(`\0${entry}\0`));
}

/** All processes in the cgroup `cgroup` or below it, in any hierarchy. */
export function processesInCgroup(cgroup: string): ProcessId[] {
  return processesWhere((pid) => {
    const lines = readProc(pid, 'cgroup')?.split('\n') ?? [];
    return lines.some((line) => `${line.split(':').slice(2).join(':')}/`.startsWith(`${cgroup}/`));
  });
}

/** Network namespace of a process; undefined where the process is gone or hides it. */
export function networkOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** Pids of the engines in this process's network namespace. */
export function enginesInThisNetwork(): number[] {
  const here = networkOf('self');
  return processesWhere((pid) => readProc(pid, 'comm')?.trim() === 'dockerd' && networkOf(pid) === here).map(
    ({ pid }) => pid,
  );
}

/** First in its own pid namespace: the process that a container's stop signal is for. */
export function isContainerInit(pid: number): boolean {
  const inner = readProc(pid, 'status')?.match(/^NSpid:.*\t(\d+)$/m)?.[1];
  return inner === '1';
}

export function cgroupOf(pid: number): string {
  return readProc(pid, 'cgroup') ?? '';
}

export function signal(id: ProcessId, name: NodeJS.Signals): void {
  if (!isAlive(id)) return;
  try {
    process.kill(id.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** @returns those that are still there at the deadline */
export async function waitForEnd(ids: readonly ProcessId[], timeoutMs: number): Promise<ProcessId[]> {
  const isOver = (left: readonly ProcessId[]) => left.length === 0;
  const limits = { timeoutMs, firstPauseMs: 10, mostPauseMs: 250 };
  return (await waitUntil(() => ids.filter(isAlive), { isOver, ...limits })).last;
}

/** Ends each with `first`, and with SIGKILL what is left after `graceMs`. */
export async function end(ids: readonly ProcessId[], first: NodeJS.Signals, graceMs: number): Promise<void> {
  for (const id of ids) signal(id, first);
  const left = await waitForEnd(ids, graceMs);
  for (const id of left) signal(id, 'SIGKILL');
  await waitForEnd(left, 5_000);
}

/**
 * Ends every process whose environment holds `NAME=value`, with SIGKILL after `graceMs`, whoever is its parent by now.
 * On Linux; elsewhere an environment cannot be looked at.
 * @returns how many there were
 */
export async function endWithVariable(entry: string, graceMs: number): Promise<number> {
  if (process.platform !== 'linux') return 0;
  let count = 0;
  // Again: one that is told to stop may still start another.
  for (let round = 0; round < 5; round += 1) {
    const found = processesWithVariable(entry);
    if (found.length === 0) break;
    count += found.length;
    await end(found, 'SIGTERM', graceMs);
  }
  return count;
}

function processesWhere(isWanted: (pid: number) => boolean): ProcessId[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => pid !== process.pid && isWanted(pid))
    .map(identify)
    .filter((id) => id !== undefined);
}

/** The kernel's name of this boot; only Linux has one. */
export const readBootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** undefined where the process is gone or hides it. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
