import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { refuseTarget, targetOf } from '../../../../cli/data/move-target.ts';
import { writeMove } from '../../../../instance/move-journal.ts';
import type { Settings } from '../../../../settings/load.ts';
import { testInstance, testSettings } from '../../../helpers/instance.ts';
import { refusal } from '../../../helpers/refusal.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

let root: string;
let settings: Settings;

beforeEach(() => {
  root = temporaryDir();
  settings = testSettings({ root });
});

/** The refusal of a directory in the root; `accepted` if there is none. */
async function refusedAt(name: string, bytes = 1): Promise<string> {
  let asked = 0;
  const size = async () => {
    asked += 1;
    return bytes;
  };
  const checking = refuseTarget(settings, join(root, name), size);
  const outcome = await checking.then(
    () => 'accepted',
    () => refusal(checking),
  );
  // The size takes long to measure: it is asked last, and only if all else is well.
  expect(asked).toBe(outcome === 'accepted' || outcome.includes('too little space') ? 1 : 0);
  return outcome.replaceAll(root, '<root>');
}

test('a path is made plain', () => {
  expect(targetOf('dev', '/srv//a/../data/')).toBe('/srv/data');
});

test.each([
  '',
  'data',
  './data',
  '/srv/a b',
  '/srv/a:b',
  '/srv/a,b',
  "/srv/a'b",
  '/srv/$HOME',
  '/srv/a#b',
  '/srv/a\\b',
])('%j is no path for an .env', (text) => {
  expect(() => targetOf('stage', text)).toThrow(
    expect.objectContaining({
      code: 'E_MOVE_TARGET',
      message: expect.stringMatching(/^move-data: must be an absolute path /),
      fix: 'Run ./gatewayctl move-data stage /srv/taxlien-gateway-stage.',
    }),
  );
});

test('a directory that is missing or empty is accepted', async () => {
  expect(await refusedAt('disk/data')).toBe('accepted');
  mkdirSync(join(root, 'empty'));
  expect(await refusedAt('empty')).toBe('accepted');
});

test.each([
  ['the data itself', 'dev/data'],
  ['a directory in it', 'dev/data/new'],
  ['the directory around it', 'dev'],
])('%s is refused', async (_, name) => {
  expect(await refusedAt(name)).toBe(
    `E_MOVE_TARGET <root>/${name}: must neither contain the data nor be inside it (got <root>/dev/data); nothing was changed. Name another directory.`,
  );
});

test('a link into the data is refused as the data', async () => {
  mkdirSync(settings.dataDir, { recursive: true });
  symlinkSync(settings.dataDir, join(root, 'link'));
  expect(await refusedAt('link/new')).toContain('must neither contain the data nor be inside it');
});

test('a directory that another environment uses, or behind a link, is refused with the reason', async () => {
  testInstance({ env: 'stage', root });
  expect(await refusedAt('stage/data/x')).toMatch(
    /^E_MOVE_TARGET <root>\/stage\/data\/x: must not hold the data; nothing was changed\. E_DATA_SHARED {2}/,
  );
  mkdirSync(join(root, 'disk'));
  symlinkSync(join(root, 'disk'), join(root, 'link'));
  expect(await refusedAt('link')).toContain('E_DATA_SYMLINK  <root>/link: must be the directory itself');
});

test('a directory that holds something is refused, unless an earlier run of the same move copied it', async () => {
  writeFiles(root, { 'full/a': '', 'full/b': '', 'full/c': '', 'full/d': '' });
  const refused =
    'E_MOVE_TARGET <root>/full: must be empty or missing (got a, b, c); nothing was changed. Name another directory.';
  expect(await refusedAt('full')).toBe(refused);
  writeMove(settings.instance, { from: settings.dataDir, to: join(root, 'other'), phase: 'copying' });
  expect(await refusedAt('full')).toBe(refused);
  writeMove(settings.instance, { from: settings.dataDir, to: join(root, 'full'), phase: 'copying' });
  expect(await refusedAt('full')).toBe('accepted');
});

test.each(['file', 'file/below'])('%s: what is or would be in a file is refused', async (name) => {
  writeFiles(root, { file: '' });
  expect(await refusedAt(name)).toBe(
    `E_MOVE_TARGET <root>/${name}: must be a directory (got the file <root>/file); nothing was changed. Name another directory.`,
  );
});

test('a disk without room is refused', async () => {
  expect(await refusedAt('disk', 2 ** 60)).toMatch(
    /^E_MOVE_TARGET <root>\/disk: has too little space for the data \(got \d+ MiB, needs 1099511627776 MiB\); nothing was changed\. Name another directory\.$/,
  );
});
