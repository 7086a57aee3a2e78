import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { eventually } from '../helpers/engine.ts';
import type { Fault } from './fault.ts';

const between = 'between two deploys';
const tookCopy =
  /recovered: the state was missing or truncated; restored \S+\/dev\/state\/\.pulumi\/backups\/\S+\.json/;

export const stateFaults: readonly Fault[] = [
  {
    id: 'F28',
    name: 'the state is cut off in the middle',
    phase: between,
    async run({ stateFile }) {
      truncateSync(stateFile, Math.floor(readFileSync(stateFile).length / 2));
      return tookCopy;
    },
  },
  {
    id: 'F29',
    name: 'the state is emptied',
    phase: between,
    async run({ stateFile }) {
      truncateSync(stateFile, 0);
      return tookCopy;
    },
  },
  {
    id: 'F30',
    name: 'the state is rolled back to before a deploy',
    phase: between,
    async run(stack) {
      copyFileSync(stack.stateFile, `${stack.stateFile}.old`);
      stack.change();
      const { exitCode, text } = await stack.up();
      expect(exitCode, text).toBe(0);
      copyFileSync(`${stack.stateFile}.old`, stack.stateFile);
      return /recovered: the state is older than the running containers: removed \d containers that are not in the state/;
    },
  },
  {
    id: 'F31',
    name: 'locks are left behind, complete and half written, by processes whose ids were reused',
    phase: between,
    async run({ instanceDir }) {
      const since = new Date(Date.now() - 3_600_000).toISOString();
      const lock = { pid: process.pid, username: 'root', hostname: hostname(), timestamp: since };
      const dir = join(instanceDir, 'state/.pulumi/locks/organization/taxlien-gateway/dev');
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, '0b5ae1ba-0000-4000-8000-000000000000.json'), JSON.stringify(lock));
      writeFileSync(join(dir, '0b5ae1ba-0000-4000-8000-000000000001.json.0f.tmp'), '');
      const holder = { pid: process.pid, start: 'another boot', nonce: 'n', describe: 'up dev by root', since };
      writeFileSync(join(instanceDir, 'lock'), JSON.stringify(holder));
      return /recovered: removed the lock of a dead process \(\d+\)/;
    },
  },
  {
    id: 'F32',
    name: 'a second up, and a third that waits',
    phase: 'from the begin of an up',
    async run(stack) {
      stack.change();
      const first = stack.startUp();
      const lock = join(stack.instanceDir, 'lock');
      await eventually('the first has the lock', 30_000, async () => readFileSync(lock, 'utf8'));
      const second = await stack.up();
      expect(second.exitCode).toBe(1);
      expect(second.text).toMatch(
        /dev\/lock: held by process \d+ since \d{4}-\S+Z \(up dev by \S+, boot [0-9a-f-]{36}\)\nWait until it ends; see it: ps -p \d+\./,
      );
      const third = await stack.up('--wait');
      expect(third.exitCode, third.text).toBe(0);
      expect(third.text).toContain('waiting for process');
      expect(await first.ended, first.output()).toBe(0);
      return undefined;
    },
  },
];
