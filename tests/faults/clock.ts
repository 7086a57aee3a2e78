import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { run } from '../../host/process.ts';
import { eventually } from '../helpers/engine.ts';
import type { Fault } from './fault.ts';
import { inDatabase } from './live-stack.ts';

const library = 'usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';

/** Unpacks Debian's libfaketime, downloaded in the network that the suite was started in. */
async function unpackFaketime(dir: string): Promise<void> {
  mkdirSync(dir);
  chmodSync(dir, 0o755);
  const download = ['apt-get', '-o', 'APT::Sandbox::User=root', 'download', 'libfaketime'];
  await run(['nsenter', `--net=${process.env.TEST_NETWORK}`, '--', ...download], { cwd: dir });
  const archive = readdirSync(dir).find((name) => name.endsWith('.deb')) ?? '';
  await run(['dpkg-deb', '--extract', join(dir, archive), dir]);
}

/** How far the database's clock is ahead of this one, in seconds. */
async function databaseIsAheadBy(): Promise<number> {
  const argv = ['psql', '--username=gateway', '-Atc', 'select extract(epoch from clock_timestamp())'];
  const seconds = await inDatabase(...argv);
  return Number(seconds) - Date.now() / 1000;
}

export const clock: Fault = {
  id: 'F37',
  name: "the database's clock jumps an hour ahead, then two back; no other clock changes",
  phase: 'between two deploys',
  async run(stack, traffic) {
    const dir = join(stack.shell.root, 'clock');
    const override = join(stack.instanceDir, 'docker-compose.override.yml');
    rmSync(dir, { recursive: true, force: true });
    await unpackFaketime(dir);
    const jump = (offset: string) => writeFileSync(join(dir, 'offset'), `${offset}\n`);
    jump('+0');
    const environment = {
      LD_PRELOAD: `/clock/${library}`,
      FAKETIME_TIMESTAMP_FILE: '/clock/offset',
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    writeFileSync(override, JSON.stringify({ services: { db: { environment, volumes: [`${dir}:/clock:ro`] } } }));
    try {
      const { exitCode, text } = await stack.up();
      expect(exitCode, text).toBe(0);
      for (const [offset, seconds] of [
        ['+3600', 3600],
        ['-3600', -3600],
      ] as const) {
        jump(offset);
        await eventually(`the database is at ${offset} s`, 30_000, async () =>
          Math.abs((await databaseIsAheadBy()) - seconds) < 5 ? true : undefined,
        );
        const before = traffic.acknowledged();
        await eventually(
          'results at the other time',
          60_000,
          async () => traffic.acknowledged() > before + 2 || undefined,
        );
      }
    } finally {
      rmSync(override);
    }
    return undefined;
  },
};
