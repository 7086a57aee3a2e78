import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finding } from '../../../host/errors.ts';
import { print } from '../../../host/output.ts';
import { parseDotenv } from '../../../settings/dotenv.ts';
import { type ComposeDotenv, startComposeDotenv } from '../../helpers/compose-dotenv.ts';
import { workTree } from '../../helpers/engine.ts';

const numRuns = 12_000;
let compose: ComposeDotenv;

beforeAll(async () => {
  compose = await startComposeDotenv(`${workTree}/node_modules/.cache/compose-dotenv`);
}, 120_000);

afterAll(() => compose.stop());

const hostile = fc.constantFrom(
  ...[
    '$(touch x)',
    '$' + '{B:-c}',
    '$B',
    '`id`',
    '; id',
    '\\n',
    '\\',
    "'",
    '"',
    '""',
    "''",
    ' #',
    '#',
    '\t#',
    '=',
    ':',
  ],
  ...['\r', '\r\n', '\n', '\u0000', '\u0007', '\u000b', '\u000c', '\u0085', '\u00a0', '\u2003', '\u2028', '\ufeff'],
  ...['\ufffd', 'ＢＩＮＤ', 'А', '﹦', '＝', '‘', '＂', '😀', '-', '.', '[', 'export ', '~', '*', '%', '!'],
);
const text = fc.array(fc.oneof(hostile, fc.stringMatching(/^[a-zA-Z0-9_ /.,-]{1,8}$/)), { maxLength: 4 }).map(join);
const plain = fc.stringMatching(/^[a-zA-Z0-9_/:.,@%+ #=-]{0,20}$/);
const huge = fc.integer({ min: 1, max: 100_000 }).map((length) => 'x'.repeat(length));
const name = fc.constantFrom('A', 'B', 'BIND_IP', '_c', 'DATA_DIR', 'Д', '1A', 'A B', '');
const separator = fc.constantFrom('=', '=', '=', ' = ', '\t=', '= ', ': ', '');
const often = { weight: 8, arbitrary: plain };
const value = fc.oneof(
  often,
  plain.map((inner) => `'${inner}'`),
  plain.map((inner) => `"${inner}"`),
  plain.map((inner) => `'$${inner}' # comment`),
  text,
  text.map((inner) => `'${inner}'`),
  text.map((inner) => `"${inner}"`),
  { weight: 1, arbitrary: huge },
);
const good = fc.tuple(fc.uniqueArray(fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/), { maxLength: 4 }), fc.array(plain));
const goodFile = good.map(([names, values]) => names.map((key, at) => `${key}=${values[at] ?? ''}`).join('\n'));
const line = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(name, separator, value).map(join) },
  { weight: 1, arbitrary: fc.constantFrom('', '  ', '# comment', '\t# $x', ' ') },
  { weight: 1, arbitrary: text },
);
const mixedFile = fc
  .tuple(fc.constantFrom('', '', '', '\ufeff'), fc.array(line, { maxLength: 5 }), fc.constantFrom('\n', '\n', '\r\n'))
  .map(([mark, lines, end]) => mark + lines.join(end));
const bytes = fc.uint8Array({ maxLength: 40 }).map((file) => Buffer.from(file));
const file = fc.oneof(
  { weight: 4, arbitrary: mixedFile.map((content) => Buffer.from(content)) },
  {
    weight: 2,
    arbitrary: fc
      .oneof(
        goodFile,
        fc.tuple(fc.constantFrom('A', '_b'), value).map(([key, v]) => `${key}=${v}`),
      )
      .map((content) => Buffer.from(content)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(goodFile, bytes).map(([head, tail]) => Buffer.concat([Buffer.from(`${head}\nA=`), tail])),
  },
);

function join(parts: readonly string[]): string {
  return parts.join('');
}

const lineOf = ({ message }: Finding) => Number(/^dev\/\.env:(\d+)/.exec(message)?.[1]);

test('each file is read exactly as Compose reads it, or refused with its line', async () => {
  const counts = { read: 0, values: 0, refused: 0, lines: 0 };
  await fc.assert(
    fc.asyncProperty(file, async (content) => {
      const source = content.toString('utf8');
      const { entries, findings } = parseDotenv(source, 'dev/.env');
      const answer = await compose.read(content);
      if (findings.length > 0) {
        counts.refused += 1;
        counts.lines += findings.length;
        const last = source.split('\n').length;
        expect(findings.map(lineOf).filter((refused) => refused < 1 || refused > last)).toEqual([]);
        return;
      }
      counts.read += 1;
      counts.values += entries.length;
      expect(answer.error).toBe('');
      expect(Object.fromEntries(entries.map((entry) => [entry.key, entry.value]))).toEqual(answer.values);
    }),
    { numRuns },
  );
  print(
    `dotenv: ${numRuns} files against Compose's reader: ${counts.read} read alike (${counts.values} values), ${counts.refused} refused (${counts.lines} lines)`,
  );
  // A reader that refuses everything would never disagree.
  expect(counts.read).toBeGreaterThan(numRuns / 5);
  expect(counts.refused).toBeGreaterThan(numRuns / 5);
}, 120_000);
