import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Shell } from './engine.ts';

/** A `gatewayctl` that a test may stop in the middle. */
export interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves to the exit code, `null` after a signal. */
  readonly ended: Promise<number | null>;
}

export function startGatewayctl({ checkout, root }: Shell, args: readonly string[]): Started {
  const child = spawn(join(checkout.dir, 'gatewayctl'), args, {
    cwd: '/',
    env: { ...process.env, TAXLIEN_GATEWAY_ROOT: root },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { child, output: () => Buffer.concat(chunks).toString('utf8'), ended };
}

/** SIGKILL for a process and all that descend from it, plugins in process groups of their own among them. */
export function killTree(pid: number): void {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended meanwhile.
    }
  }
  const doomed = [pid];
  for (const each of doomed)
    doomed.push(...[...parents].filter(([, parent]) => parent === each).map(([child]) => child));
  for (const each of doomed) {
    try {
      process.kill(each, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}
