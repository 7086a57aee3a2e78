import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { waitUntil } from './wait.ts';

/** Identity of a process: pids are reused, but not with the same start time in the same boot. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/<pid>/stat. */
  readonly startTime: string;
  readonly bootId: string;
}

export function identify(pid: number): ProcessId | undefined {
  const stat = readProc(pid, 'stat');
  if (stat === undefined) return undefined;
  // The command's name, in brackets, may contain blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTime = fields[19];
  if (startTime === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, startTime, bootId: readBootId() };
}

export function isAlive(id: ProcessId): boolean {
  const now = identify(id.pid);
  return now !== undefined && now.startTime === id.startTime && now.bootId === id.bootId;
}

/** Program name of a live process, at most 15 characters; undefined if it is gone. */
export const programName = (pid: number): string | undefined =>
  identify(pid) === undefined ? undefined : readProc(pid, 'comm')?.trim();

/** Name of the program that started a process; undefined if one of them is gone. */
export function parentName(pid: number): string | undefined {
  const parent = readProc(pid, 'status')?.match(/^PPid:\t(\d+)$/m)?.[1];
  return parent === undefined ? undefined : programName(Number(parent));
}

/** All processes whose argument list contains `args` in sequence. */
export function processesWithArgs(args: readonly string[]): ProcessId[] {
  const wanted = `\0${args.join('\0')}\0`;
  return processesWhere((pid) => `\0${readProc(pid, 'cmdline') ?? ''}`.includes(wanted));
}

/** All processes whose environment at their start contained `NAME=value`; Linux only. */
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

/** Network namespace of a process; undefined if the process is gone or not accessible. */
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

/** Whether it is pid 1 of its pid namespace: the process that gets a container's stop signal. */
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

/** @returns those that still run at the deadline */
export async function waitForEnd(ids: readonly ProcessId[], timeoutMs: number): Promise<ProcessId[]> {
  const isOver = (left: readonly ProcessId[]) => left.length === 0;
  const limits = { timeoutMs, firstPauseMs: 10, mostPauseMs: 250 };
  return (await waitUntil(() => ids.filter(isAlive), { isOver, ...limits })).last;
}

/** Sends `first` to each, and SIGKILL to those that still run after `graceMs`. */
export async function end(ids: readonly ProcessId[], first: NodeJS.Signals, graceMs: number): Promise<void> {
  for (const id of ids) signal(id, first);
  const left = await waitForEnd(ids, graceMs);
  for (const id of left) signal(id, 'SIGKILL');
  await waitForEnd(left, 5_000);
}

/**
 * Ends every process whose environment contains `NAME=value`, whatever its parent: SIGTERM, then SIGKILL after `graceMs`.
 * Linux only: elsewhere an environment cannot be read.
 * @returns how many there were
 */
export async function endWithVariable(entry: string, graceMs: number): Promise<number> {
  if (process.platform !== 'linux') return 0;
  let count = 0;
  // Repeated: a process may start another before it stops.
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

/** The kernel's id of this boot; Linux only. */
export const readBootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** undefined if the process is gone or not accessible. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
