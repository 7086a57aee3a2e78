import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';

import { basename, join } from 'node:path';
import { type Shell, shellEnvironment } from './engine.ts';

/** A running `gatewayctl` that a test may stop. */
export interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves to the exit code, `null` after a signal. */
  readonly ended: Promise<number | null>;
  readonly isRunning: () => boolean;
}

export const startGatewayctl = (shell: Shell, args: readonly string[]): Started => startProgram(shell, ['', ...args]);

/** Starts a program as an operator of this root would; an empty name means `gatewayctl` of the checkout. */
export function startProgram(shell: Shell, [wanted = '', ...args]: readonly string[]): Started {
  const gatewayctl = join(shell.checkout.dir, 'gatewayctl');
  const [program = '', ...rest] = [...(shell.before ?? []), wanted === '' ? gatewayctl : wanted, ...args];
  const child = spawn(program, rest, {
    cwd: '/',
    env: { ...shellEnvironment(shell), GATEWAYCTL: gatewayctl },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return { child, output: () => Buffer.concat(chunks).toString('utf8'), ended, isRunning };
}

/** A process and all its descendants, including plugins in process groups of their own. */
export function treeOf(pid: number): readonly number[] {
  const parents = parentsOfAll();
  const found = [pid];
  for (const each of found) found.push(...childrenIn(parents, each));
  return found;
}

/** Children of a process, including those that it has not waited for. */
export const childrenOf = (pid: number): readonly number[] => childrenIn(parentsOfAll(), pid);

const childrenIn = (parents: ReadonlyMap<number, number>, pid: number) =>
  [...parents].filter(([, parent]) => parent === pid).map(([child]) => child);

/** The parent of each process. */
function parentsOfAll(): ReadonlyMap<number, number> {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = readProc(Number(entry), 'stat');
    parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  return parents;
}

/** The process of a program below another one. */
export const programBelow = (pid: number, program: string): number | undefined =>
  treeOf(pid).find((each) => basename(readProc(each, 'cmdline').split('\0')[0] ?? '') === program);

/** Empty if the process has ended. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** SIGKILL for a process and all its descendants. */
export const killTree = (pid: number): void => kill(treeOf(pid));

export function kill(pids: readonly number[], signal: NodeJS.Signals = 'SIGKILL'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // It ended meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
