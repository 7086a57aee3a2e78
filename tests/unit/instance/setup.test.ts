import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { completeInstance, loopbackFor, makeInstance } from '../../../instance/setup.ts';
import { type Instance, instanceOf } from '../../../settings/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

function listing({ dir }: Instance): readonly string[] {
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => `${modeOf(join(dir, name))} ${name}`);
}

test('a new instance: its files and their modes under any umask', () => {
  const instance = instanceOf('dev', join(temporaryDir(), 'root'));
  const umask = process.umask(0o027);
  try {
    expect(makeInstance(instance, '127.0.10.1')).toBe(true);
  } finally {
    process.umask(umask);
  }
  expect([modeOf(instance.dir), ...listing(instance)]).toMatchInlineSnapshot(`
    [
      "755",
      "600 .env",
      "700 backups",
      "755 config",
      "755 data",
      "644 instance-id",
      "700 logs",
      "700 secrets",
      "600 secrets/pulumi-passphrase",
      "700 state",
    ]
  `);
  expect(readFileSync(instance.idFile, 'utf8')).toMatch(/^[0-9a-f-]{36}\n$/);
  expect(readFileSync(instance.passphraseFile, 'utf8')).toMatch(/^[A-Za-z0-9_-]{32}\n$/);
});

test('existing files are not overwritten, and missing ones are added', () => {
  const instance = instanceOf('dev', temporaryDir());
  makeInstance(instance, '127.0.10.1');
  const files = [instance.envFile, instance.idFile];
  const before = files.map((file) => readFileSync(file, 'utf8'));
  writeFileSync(instance.passphraseFile, 'mine\n');
  expect(makeInstance(instance, '127.0.10.2')).toBe(false);
  completeInstance(instance);
  expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(before);
  expect(readFileSync(instance.passphraseFile, 'utf8')).toBe('mine\n');
});

describe('a refused address creates nothing', () => {
  test.each([
    ['0.0.0.0', '--bind-ip: must be one address, not all of the host (got 0.0.0.0)'],
    ['', '--bind-ip: must be the address that this instance owns (got "")'],
    ['10.0.0.256', '--bind-ip: must be an IPv4 or IPv6 address (got 10.0.0.256)'],
  ])('%j', (bindIp, message) => {
    const root = temporaryDir();
    expect(() => makeInstance(instanceOf('dev', root), bindIp)).toThrow(
      expect.objectContaining({
        code: 'E_BIND_IP',
        message,
        fix: 'Give one address of this host, e.g. --bind-ip 10.0.0.4.',
      }),
    );
    expect(readdirSync(root)).toEqual([]);
  });
});

test('a file in place of the root directory is not replaced', () => {
  const root = join(temporaryDir(), 'root');
  mkdirSync(join(root, '..'), { recursive: true });
  writeFileSync(root, 'x');
  expect(() => makeInstance(instanceOf('dev', root), '127.0.10.1')).toThrow(/ENOTDIR|EEXIST/);
  expect(readFileSync(root, 'utf8')).toBe('x');
});

test('the loopback address that dev gets', () => {
  expect([loopbackFor('linux'), loopbackFor('darwin')]).toEqual(['127.0.10.1', '127.0.0.1']);
});
