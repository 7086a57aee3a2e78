import { chmodSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashBuildContext, listFiles } from '../../../docker/build-context.ts';
import { testCheckout } from '../../helpers/checkout.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

const hashOf = (dir: string) => hashBuildContext(dir, 'Dockerfile.gateway');

describe('the hash of a build context', () => {
  test('is the same in another checkout, at another time and under another umask', () => {
    const [one, two] = [testCheckout(), testCheckout()];
    utimesSync(join(two, 'go.mod'), 0, 0);
    chmodSync(join(two, 'go.mod'), 0o600);
    expect(hashOf(two)).toBe(hashOf(one));
  });

  test.each([
    ['README.md'],
    ['new-file.txt'],
    ['components/service.ts'],
    ['monitoring/prometheus/prometheus.yml'],
    ['cmd/gateway/main_test.go'],
    ['cmd/gateway/new_test.go'],
    ['.git/index'],
    ['node_modules/package/index.js'],
  ])('does not change with %s', (file) => {
    const dir = testCheckout();
    const before = hashOf(dir);
    writeFiles(dir, { [file]: 'other' });
    expect(hashOf(dir)).toBe(before);
  });

  test.each([['cmd/gateway/main.go'], ['internal/api/new.go'], ['go.mod'], ['Dockerfile.gateway']])(
    'changes with %s',
    (file) => {
      const dir = testCheckout();
      const before = hashOf(dir);
      writeFiles(dir, { [file]: 'other' });
      expect(hashOf(dir)).not.toBe(before);
    },
  );

  test('changes with a name and with an executable bit', () => {
    const [plain, moved, executable] = [testCheckout(), testCheckout(), testCheckout()];
    writeFiles(plain, { 'cmd/a.go': 'x' });
    writeFiles(moved, { 'cmd/b.go': 'x' });
    writeFiles(executable, { 'cmd/a.go': 'x' });
    chmodSync(join(executable, 'cmd/a.go'), 0o755);
    expect(new Set([plain, moved, executable].map(hashOf)).size).toBe(3);
  });
});

test("the repository's .dockerignore admits only what the gateway is built from", async () => {
  const { readFileSync } = await import('node:fs');
  const root = join(import.meta.dirname, '..', '..', '..');
  const dir = testCheckout({ '.dockerignore': readFileSync(join(root, '.dockerignore'), 'utf8') });
  const before = hashOf(dir);
  for (const file of [
    'README.md',
    'components/service.ts',
    'docs/a.md',
    '.env',
    'tests/a.ts',
    'cmd/gateway/main_test.go',
  ]) {
    writeFiles(dir, { [file]: 'other' });
    expect([file, hashOf(dir)]).toEqual([file, before]);
  }
  const hashes = ['cmd/gateway/main.go', 'internal/api/new.go', 'go.mod', 'supabase/migrations/1.sql'].map((file) => {
    writeFiles(dir, { [file]: 'other' });
    return hashOf(dir);
  });
  expect(new Set([before, ...hashes]).size).toBe(5);
});

test('files are listed in a stable order, without those of git and npm', () => {
  const dir = temporaryDir();
  writeFiles(dir, { 'b/c': '', 'b-a': '', a: '', '.git/config': '', 'b/node_modules/x': '', 'node_modules/x': '' });
  symlinkSync('a', join(dir, 'link'));
  expect(listFiles(dir)).toEqual(['a', 'b-a', 'b/c', 'b/node_modules/x', 'link']);
  expect(listFiles(dir, (path) => path.startsWith('b'))).toEqual(['b-a', 'b/c', 'b/node_modules/x']);
});
