import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { run } from '../../host/process.ts';
import { processesWithArgs } from '../../host/processes.ts';
import { containersOf, docker, eventually } from '../helpers/engine.ts';
import type { Fault } from './fault.ts';
import { bindIp, type LiveStack, project } from './live-stack.ts';

const between = 'between two deploys';

/** What surrounds the containers: ports, disks, the build. */
export const surroundings: readonly Fault[] = [
  {
    id: 'F33',
    name: "another process takes the gateway's port",
    phase: 'while the gateway is swapped',
    async run(stack) {
      stack.change();
      const up = stack.startUp();
      const stranger = await takePort(8081, up.isRunning);
      const exitCode = await up.ended;
      await new Promise((resolve) => stranger.close(resolve));
      expect(exitCode, up.output()).toBe(1);
      expect(up.output()).toMatch(/10\.98\.0\.1:8081.*address already in use/);
      expect(up.output()).toMatch(/Then run \.\/gatewayctl up dev/);
      return undefined;
    },
  },
  {
    id: 'F34',
    name: 'the build of the gateway fails',
    phase: 'while the gateway is built',
    async run(stack) {
      const before = (await containersOf(project)).gateway?.Id;
      appendFileSync(stack.mainFile, '\nfunc broken( {\n');
      const { exitCode, text } = await stack.up();
      expect(exitCode).toBe(1);
      expect(text).toMatch(/taxlien-gateway-image/);
      expect(text).toMatch(/The gateway's build printed:\n.*cmd\/gateway\/main\.go:\d+:\d+: syntax error/s);
      expect(text).toMatch(/Then run \.\/gatewayctl up dev/);
      expect((await containersOf(project)).gateway?.Id).toBe(before);
      await stack.shell.checkout.git('checkout', '--', 'cmd/gateway/main.go');
      return undefined;
    },
  },
  {
    id: 'F35',
    name: 'the data directory is read-only when the containers start',
    phase: between,
    async run(stack) {
      const ids = Object.values(await containersOf(project)).map(({ Id }) => Id);
      await docker('stop', ...ids);
      await run(['mount', '-o', 'remount,ro', stack.dataDir]);
      const { exitCode, text } = await stack.up();
      await run(['mount', '-o', 'remount,rw', stack.dataDir]);
      expect(exitCode).toBe(1);
      expect(text).toMatch(/[Rr]ead-only file system/);
      return undefined;
    },
  },
  {
    id: 'F36',
    name: 'the data directory is full',
    phase: 'under traffic, and during an up',
    async run(stack) {
      const filler = join(stack.dataDir, 'filler');
      await fill(filler);
      await eventually('the gateway refuses a result', 60_000, () => refusal(stack));
      stack.change();
      const { text } = await stack.up();
      rmSync(filler);
      expect(text).toMatch(/\/dev\/data: is nearly full \(got 0 MiB, needs 1024\)/);
      expect(text).toMatch(/^ *FAIL raw: write \S+ no space left on device$/m);
      return undefined;
    },
  },
  {
    id: 'F38',
    name: 'the engine forgets the proxy of a port',
    phase: between,
    async run() {
      const name = `${project}-redis`;
      const [proxy] = processesWithArgs(['-host-ip', bindIp, '-host-port', '6379']);
      const [program = '', ...args] = readFileSync(`/proc/${proxy?.pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
      await docker('rm', '--force', name);
      // It reports on file descriptor 3 whether it has the port, which the other proxy may still hold for a moment.
      await eventually('a proxy that Docker does not know has the port', 30_000, async () => {
        const { stdio } = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
        const report = stdio[3];
        const [answer] = report === null || report === undefined ? [] : await once(report, 'data');
        return `${answer}`.startsWith('0') || undefined;
      });
      return /recovered: killed an orphaned docker-proxy that held 10\.98\.0\.1:6379/;
    },
  },
];

/** Listens on a port as soon as it is free. */
async function takePort(port: number, isWanted: () => boolean): Promise<Server> {
  while (isWanted()) {
    const server = createServer((socket) => socket.destroy());
    const isTaken = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen({ host: bindIp, port, exclusive: true }, () => resolve(true));
    });
    if (isTaken) return server;
    await sleep(2);
  }
  throw new Error(`port ${port} was never free`);
}

/** Fills a file system to its last page. */
async function fill(path: string): Promise<void> {
  const { exitCode, stderr } = await run(['dd', 'if=/dev/zero', `of=${path}`, 'bs=64k'], { allowedExitCodes: 'any' });
  if (exitCode === 0 || !stderr.includes('No space left')) throw new Error(`${path}: was not filled (got ${stderr})`);
}

async function refusal({ worker }: LiveStack): Promise<number | undefined> {
  const json = { 'content-type': 'application/json' };
  const payload = JSON.stringify({ kind: 'fetch', payload: { text: 'x'.repeat(50_000) } });
  const { status } = await worker.request('POST', '/v3/tasks', payload, json);
  return status >= 500 ? status : undefined;
}
