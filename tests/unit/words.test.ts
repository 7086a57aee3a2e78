import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../host/process.ts';
import { workTree } from '../helpers/engine.ts';

// Words of one phrase may be on two lines.
const banned =
  'mend|mends|mended|anew|whoever|goes\\s+on|the\\s+door|silence|silent|told|for\\s+ever|somebody|could\\s+not\\s+go|swallows';
/** Not `--silent`, and not a word in quotes or backquotes, which is named and not used. */
const pattern = new RegExp(`(?<![\\w-])(?!(?<=["\`])(?:${banned})["\`])(?:${banned})\\b`, 'gi');

/** `line: word` of each banned word in a text. */
const wordsIn = (text: string): readonly string[] =>
  [...text.matchAll(pattern)].map(({ 0: word, index }) => `${text.slice(0, index).split('\n').length}: ${word}`);

test('a banned word is found with its line; an option and a quoted word are none', () => {
  expect(wordsIn('Mend it.\nIt goes\non, mending.\n')).toEqual(['1: Mend', '2: goes\non']);
  expect(wordsIn('npm pack --silent\n"fix" instead of "mend"; the field `silence`')).toEqual([]);
});

test('texts are plain, modern English', async () => {
  const files = ['*.ts', '*.go', '*.sh', 'gatewayctl', '*.md', '*.yml', ':!tests/unit/words.test.ts'];
  const { stdout } = await run(['git', '-C', workTree, 'ls-files', '-z', '--', ...files]);
  const paths = stdout.split('\0').filter((path) => path !== '');
  expect(paths.length).toBeGreaterThan(300);
  const found = paths.flatMap((path) =>
    wordsIn(readFileSync(join(workTree, path), 'utf8')).map((word) => `${path}:${word}`),
  );
  expect(found).toEqual([]);
});
