import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { errorCodes } from '../../../host/error-codes.ts';
import { run } from '../../../host/process.ts';
import { workTree } from '../../helpers/engine.ts';

/** Codes in a text, of errors and warnings. */
const codesIn = (text: string): readonly string[] => text.match(/(?<![.\w])[EW]_[A-Z][A-Z_]*\b/g) ?? [];

/** Every file of code or documents, except tests, the changelog, the table and what is printed from it. */
async function filesWithCodes(): Promise<ReadonlyMap<string, readonly string[]>> {
  const but = ['tests', 'CHANGELOG.md', 'host/error-codes.ts', 'docs/errors.md'].map((path) => `:!${path}`);
  const argv = [
    'git',
    '-C',
    workTree,
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    '.',
    ...but,
  ];
  const paths = (await run(argv)).stdout
    .split('\0')
    .filter((path) => /(\.(ts|md|ya?ml|sh|go)|^gatewayctl)$/.test(path));
  const codes = paths.map((path) => [path, codesIn(readFileSync(join(workTree, path), 'utf8'))] as const);
  return new Map(codes.filter(([, found]) => found.length > 0));
}

test('every code that is used or documented is in the table, and every code of the table is used', async () => {
  const found = await filesWithCodes();
  const unknown = [...found].flatMap(([path, codes]) =>
    codes.filter((code) => !Object.hasOwn(errorCodes, code)).map((code) => `${path}: ${code}`),
  );
  expect(unknown).toEqual([]);
  const inCode = new Set([...found].filter(([path]) => !path.endsWith('.md')).flatMap(([, codes]) => codes));
  expect(Object.keys(errorCodes).filter((code) => !inCode.has(code))).toEqual([]);
});

test('the table is in alphabetical order, with sentences and without a repeated meaning', () => {
  const codes = Object.keys(errorCodes);
  expect(codes).toEqual(codes.toSorted());
  const texts = Object.entries(errorCodes);
  for (const [code, { meaning, fix }] of texts) {
    expect(meaning, code).toMatch(/^[A-Z`].*\.$/);
    expect(fix, code).toMatch(/^[A-Z`].*\.$/);
  }
  expect(new Set(texts.map(([, { meaning }]) => meaning)).size).toBe(texts.length);
});
