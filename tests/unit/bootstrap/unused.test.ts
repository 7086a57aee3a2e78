import { mkdirSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { deleteUnused, markUsed } from '../../../bootstrap/unused.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

const dayMs = 24 * 60 * 60 * 1000;

test('directories used within 30 days stay, and so do files', () => {
  const cache = temporaryDir();
  const now = Date.now();
  writeFiles(cache, { 'new/a': '', 'used/a': '', 'old/deep/a': '', lock: '' });
  for (const name of ['used', 'old', 'lock']) {
    utimesSync(join(cache, name), (now - 31 * dayMs) / 1000, (now - 31 * dayMs) / 1000);
  }
  markUsed(join(cache, 'used'), now);
  deleteUnused(cache, now);
  expect(readdirSync(cache).sort()).toEqual(['lock', 'new', 'used']);
});

test('a use is marked at most once a day', () => {
  const dir = join(temporaryDir(), 'dir');
  mkdirSync(dir);
  const made = statSync(dir).mtimeMs;
  markUsed(dir, made + dayMs / 2);
  expect(statSync(dir).mtimeMs).toBe(made);
  markUsed(dir, made + 2 * dayMs);
  expect(statSync(dir).mtimeMs).toBeCloseTo(made + 2 * dayMs, -1);
});
