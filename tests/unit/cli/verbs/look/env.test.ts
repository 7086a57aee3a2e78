import { expect, test } from 'vitest';
import { exportLine } from '../../../../../cli/verbs/look/env.ts';
import { run } from '../../../../../host/process.ts';

test('a line for a POSIX shell', () => {
  expect([exportLine('A', "it's"), exportLine('A', ''), exportLine('A', undefined)]).toEqual([
    `export A='it'\\''s'`,
    `export A=''`,
    'unset A',
  ]);
});

test.each(["it's", '$HOME `id` $(id) "x"', 'a b\tc', '', "'", 'line\nbreak', '\\', '*', '-n', 'ä€😀'])(
  'a shell reads back %j',
  async (value) => {
    const script = `eval "$1"; printf %s "$VALUE"`;
    const { stdout } = await run(['sh', '-c', script, 'sh', exportLine('VALUE', value)]);
    expect(stdout).toBe(value);
  },
);

test('a shell unsets variables', async () => {
  const script = `VALUE=old; eval "$1"; printf %s "\${VALUE-gone}"`;
  expect((await run(['sh', '-c', script, 'sh', exportLine('VALUE', undefined)])).stdout).toBe('gone');
});
