import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { places, roomFindings, tmpfsFindings } from '../../../preflight/places.ts';
import { runHostCheck, shownFindings } from '../../helpers/findings.ts';
import { testSettings } from '../../helpers/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

test('directories of the instance are accepted, whether they exist or not', async () => {
  const settings = testSettings();
  expect(await runHostCheck(places, settings)).toEqual([]);
  mkdirSync(join(settings.dataDir, 'postgres'), { recursive: true });
  expect(await runHostCheck(places, settings)).toEqual([]);
});

test('data in the checkout, and a link that points out of the instance', async () => {
  const root = temporaryDir();
  const elsewhere = temporaryDir();
  const dataDir = join(root, 'data');
  mkdirSync(dataDir);
  symlinkSync(elsewhere, join(dataDir, 'raw'));
  const settings = testSettings({ root, checkoutDir: root, variables: { DATA_DIR: dataDir } });
  const shown = shownFindings(await runHostCheck(places, settings), root).join('\n');
  expect(shown.replaceAll(elsewhere, '<elsewhere>')).toMatchInlineSnapshot(`
    "E_DATA_IN_CHECKOUT error: <root>/data: must not be in the checkout (got <root>). A checkout is disposable: cleaning it would delete the data. Set DATA_DIR in <root>/dev/.env to a directory on a persistent disk.
    E_DATA_SYMLINK error: <root>/data/raw: must not point outside <root>/data (got a link to <elsewhere>). No marker, backup or check would cover what Docker writes there. Remove the link and mount the disk there: sudo mount --bind <elsewhere> <root>/data/raw; or set DATA_DIR in <root>/dev/.env."
  `);
});

test('data in memory is an error on prod', () => {
  const found = (env: 'dev' | 'prod', type: number, platform: NodeJS.Platform = 'linux') =>
    tmpfsFindings(testSettings({ env }), type, platform).map(({ code }) => code);
  const tmpfs = 0x01021994;
  expect([found('dev', tmpfs), found('prod', tmpfs)]).toEqual([['W_DATA_TMPFS'], ['E_DATA_TMPFS']]);
  expect([found('prod', 0xef53), found('prod', tmpfs, 'darwin')]).toEqual([[], []]);
});

test('a data directory that is itself a link', async () => {
  const root = temporaryDir();
  const elsewhere = temporaryDir();
  symlinkSync(elsewhere, join(root, 'data'));
  const settings = testSettings({ root, variables: { DATA_DIR: join(root, 'data') } });
  const shown = shownFindings(await runHostCheck(places, settings), root).join('\n');
  expect(shown.replaceAll(elsewhere, '<elsewhere>')).toMatchInlineSnapshot(
    `"E_DATA_SYMLINK error: <root>/data: must be the directory itself (got a link to <elsewhere>). The link may change while the volumes stay bound to its old target. Set DATA_DIR=<elsewhere> in <root>/dev/.env."`,
  );
});

test('a file system with little room or few inodes', () => {
  const room = { bsize: 4096, bavail: 1_000_000, files: 100_000, ffree: 50_000 };
  expect(roomFindings('/data', room)).toEqual([]);
  expect(roomFindings('/data', { ...room, files: 0, ffree: 0 })).toEqual([]);
  const found = [
    ...roomFindings('/data', { ...room, bavail: 100_000 }),
    ...roomFindings('/data', { ...room, ffree: 9 }),
  ];
  expect(shownFindings(found, '/root').join('\n')).toMatchInlineSnapshot(`
    "W_DISK_FULL warning: /data: is nearly full (got 390 MiB, needs 1024). A build fails, and PostgreSQL stops, when it cannot write. Free some space: docker image prune; show usage: df -h /data
    W_DISK_FULL warning: /data: is nearly full (got 9 inodes, needs 10000). A build fails, and PostgreSQL stops, when it cannot write. Free some space: docker image prune; show usage: df -i /data"
  `);
});
