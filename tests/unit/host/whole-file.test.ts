import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createWhole, draftPath, writeWhole } from '../../../host/whole-file.ts';
import { removeDrafts } from '../../../instance/drafts.ts';
import { testInstance } from '../../helpers/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test.each([0o000, 0o027, 0o077, 0o777])('umask %o does not change the mode of a file, and no draft is left', (mask) => {
  const dir = temporaryDir();
  const path = join(dir, 'file');
  writeFileSync(draftPath(path), 'left by a kill, longer than what follows', { mode: 0o666 });
  const before = process.umask(mask);
  try {
    writeWhole(path, 'one', 0o644);
    writeWhole(path, 'two', 0o600);
    expect(createWhole(path, 'three', 0o644)).toBe(false);
    expect(createWhole(join(dir, 'other'), 'four', 0o640)).toBe(true);
  } finally {
    process.umask(before);
  }
  expect(readdirSync(dir).sort()).toEqual(['file', 'other']);
  expect([readFileSync(path, 'utf8'), modeOf(path), modeOf(join(dir, 'other'))]).toEqual(['two', '600', '640']);
});

test('drafts of processes that are gone are removed anywhere in the instance; those of living ones stay', () => {
  const instance = testInstance();
  // No process has this number: it is above the highest that Linux gives.
  const gone = 4_194_305;
  const places = ['', 'secrets', 'state', 'config', 'logs', 'backups/state', 'data/.owners'];
  for (const place of places) {
    mkdirSync(join(instance.dir, place), { recursive: true });
    writeFileSync(join(instance.dir, place, `file.${gone}.new`), 'secret');
    writeFileSync(draftPath(join(instance.dir, place, 'file')), 'at work');
    mkdirSync(join(instance.dir, place, `dir.${gone}.new`));
  }
  removeDrafts(instance);
  for (const place of places) {
    const left = readdirSync(join(instance.dir, place)).filter((name) => name.endsWith('.new'));
    expect([place, left]).toEqual([place, [`file.${process.pid}.new`]]);
  }
});
