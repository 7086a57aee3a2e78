import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Finding, findingText } from '../../../host/errors.ts';
import { parseDotenv } from '../../../settings/dotenv.ts';

const label = 'dev/.env';
const lineOf = ({ message }: Finding) => Number(/^dev\/\.env:(\d+)/.exec(message)?.[1]);

describe('accepted lines', () => {
  test.each([
    ['A=b', 'A', 'b'],
    ['_a1=b', '_a1', 'b'],
    ['A=', 'A', ''],
    ["A=''", 'A', ''],
    ['A=""', 'A', ''],
    ['A=b c', 'A', 'b c'],
    ['  A = b \t', 'A', 'b'],
    ['A=b # comment', 'A', 'b'],
    ['A=b#c', 'A', 'b#c'],
    ['A=b=c', 'A', 'b=c'],
    ["A='b # c' # comment", 'A', 'b # c'],
    ['A="b # c"', 'A', 'b # c'],
    ["A='$b'", 'A', '$b'],
    [`A='b"c'`, 'A', 'b"c'],
    [`A="b'c"`, 'A', "b'c"],
    ['A=ä€😀', 'A', 'ä€😀'],
    ['A=b\r', 'A', 'b'],
  ])('%j gives %s = %j', (line, key, value) => {
    expect(parseDotenv(line, label)).toEqual({ entries: [{ key, value, line: 1 }], findings: [], refusedKeys: [] });
  });

  test.each(['', '   ', '# A=b', '\t# comment', '\r'])('%j is no entry and no problem', (line) => {
    expect(parseDotenv(line, label)).toEqual({ entries: [], findings: [], refusedKeys: [] });
  });
});

test('refused lines', () => {
  const lines = [
    'A',
    'export A=b',
    'export =b',
    '=b',
    '1A=b',
    'A-B=c',
    'A=$b',
    'A=$(b)',
    'A=b\\',
    "A=b'c",
    'A=b"c',
    'A=`b`',
    'A= # comment',
    'A=#b',
    'A="b',
    "A='b",
    "A='b'c",
    "A='b'#c",
    'A="$b"',
    'A="b\\n"',
    "A='b\\'c'",
    'A=b\u0000',
    'A=b\u0007',
    '\ufeffA=b',
    'A=b\rC=d',
    'A=b\t# comment',
    'A=b\u00a0',
    'A\u2003=b',
    'A=\ufffd',
  ];
  const refused = lines.map((line) => {
    const { entries, findings } = parseDotenv(line, label);
    expect(entries, line).toEqual([]);
    expect(findings, line).toHaveLength(1);
    return `${JSON.stringify(line).replace('\ufeff', '\\ufeff')}: ${findings.map(findingText)}`;
  });
  expect(refused.join('\n')).toMatchInlineSnapshot(`
    ""A": E_ENV_SYNTAX  dev/.env:1: is not a KEY=value line. Add "=" or make it a comment with "#".
    "export A=b": E_ENV_SYNTAX  dev/.env:1: has no name of letters, digits and "_" before the "=". Correct the name, and leave out "export".
    "export =b": E_ENV_SYNTAX  dev/.env:1: has no name of letters, digits and "_" before the "=". Correct the name, and leave out "export".
    "=b": E_ENV_SYNTAX  dev/.env:1: has no name of letters, digits and "_" before the "=". Correct the name, and leave out "export".
    "1A=b": E_ENV_SYNTAX  dev/.env:1: has no name of letters, digits and "_" before the "=". Correct the name, and leave out "export".
    "A-B=c": E_ENV_SYNTAX  dev/.env:1: has no name of letters, digits and "_" before the "=". Correct the name, and leave out "export".
    "A=$b": E_ENV_SYNTAX  dev/.env:1 A: has $ in a plain value, which Compose may expand. Put the value in single quotes.
    "A=$(b)": E_ENV_SYNTAX  dev/.env:1 A: has $ in a plain value, which Compose may expand. Put the value in single quotes.
    "A=b\\\\": E_ENV_SYNTAX  dev/.env:1 A: has a backslash, which Compose may take as an escape. Choose a value without one.
    "A=b'c": E_ENV_SYNTAX  dev/.env:1 A: has ' in a plain value, which Compose may expand. Put the value in double quotes.
    "A=b\\"c": E_ENV_SYNTAX  dev/.env:1 A: has " in a plain value, which Compose may expand. Put the value in single quotes.
    "A=\`b\`": E_ENV_SYNTAX  dev/.env:1 A: has \` in a plain value, which Compose may expand. Put the value in single quotes.
    "A= # comment": E_ENV_SYNTAX  dev/.env:1 A: has "#" right after "=". Quote the value, or leave nothing there.
    "A=#b": E_ENV_SYNTAX  dev/.env:1 A: has "#" right after "=". Quote the value, or leave nothing there.
    "A=\\"b": E_ENV_SYNTAX  dev/.env:1 A: has no closing " on its line. Add it; a value is one line.
    "A='b": E_ENV_SYNTAX  dev/.env:1 A: has no closing ' on its line. Add it; a value is one line.
    "A='b'c": E_ENV_SYNTAX  dev/.env:1 A: has text after the closing '. Delete it, or make it a comment with " #".
    "A='b'#c": E_ENV_SYNTAX  dev/.env:1 A: has text after the closing '. Delete it, or make it a comment with " #".
    "A=\\"$b\\"": E_ENV_SYNTAX  dev/.env:1 A: has $ in double quotes, which Compose would expand. Put the value in single quotes.
    "A=\\"b\\\\n\\"": E_ENV_SYNTAX  dev/.env:1 A: has a backslash, which Compose may take as an escape. Choose a value without one.
    "A='b\\\\'c'": E_ENV_SYNTAX  dev/.env:1 A: has text after the closing '. Delete it, or make it a comment with " #".
    "A=b\\u0000": E_ENV_SYNTAX  dev/.env:1: contains a control character. Retype the line.
    "A=b\\u0007": E_ENV_SYNTAX  dev/.env:1: contains a control character. Retype the line.
    "\\ufeffA=b": E_ENV_SYNTAX  dev/.env:1: contains a control character. Retype the line.
    "A=b\\rC=d": E_ENV_SYNTAX  dev/.env:1: contains a control character. Retype the line.
    "A=b\\t# comment": E_ENV_SYNTAX  dev/.env:1 A: has "#" after a tab, which is not a comment for Compose. Use a space.
    "A=b ": E_ENV_SYNTAX  dev/.env:1: contains whitespace other than space or tab, or invalid UTF-8. Retype the line.
    "A =b": E_ENV_SYNTAX  dev/.env:1: contains whitespace other than space or tab, or invalid UTF-8. Retype the line.
    "A=�": E_ENV_SYNTAX  dev/.env:1: contains whitespace other than space or tab, or invalid UTF-8. Retype the line."
  `);
});

test('a second line for a name is refused and the first one stays', () => {
  const { entries, findings, refusedKeys } = parseDotenv('A=1\n\nA=2\nB=3\nA=4\n', label);
  expect(entries).toEqual([
    { key: 'A', value: '1', line: 1 },
    { key: 'B', value: '3', line: 4 },
  ]);
  expect(findings.map(findingText)).toEqual([
    'E_ENV_SYNTAX  dev/.env:3 A: is set a second time (first on line 1). Delete one of the two lines.',
    'E_ENV_SYNTAX  dev/.env:5 A: is set a second time (first on line 1). Delete one of the two lines.',
  ]);
  expect(refusedKeys).toEqual(['A', 'A']);
});

test('the variable of a refused line is named if its name can be read', () => {
  expect(parseDotenv('A=$b\nB="\n1C=d\nnonsense\n', label).refusedKeys).toEqual(['A', 'B']);
});

const runs = { numRuns: 2000 };
const key = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,10}$/);
const printable = fc.string({ unit: fc.constantFrom(...'ab0 #="$`\'/:,.ä€😀\t') });
const entry = fc.oneof(
  fc
    .tuple(
      key,
      printable.filter((value) => !value.includes("'")),
    )
    .map(([name, value]) => ({ name, value, quote: "'" })),
  fc
    .tuple(
      key,
      printable.filter((value) => !/["$]/.test(value)),
    )
    .map(([name, value]) => ({ name, value, quote: '"' })),
  fc.tuple(key, fc.stringMatching(/^[a-z0-9/:,.=ä-]{0,10}$/)).map(([name, value]) => ({ name, value, quote: '' })),
);

describe('any text', () => {
  test('is read without an exception, each line at most once', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.oneof(fc.constantFrom(...'A=\'"#$\\ \n\r\t'), fc.string({ unit: 'binary' })) }),
        (text) => {
          const { entries, findings } = parseDotenv(text, label);
          const lines = [...entries.map(({ line }) => line), ...findings.map(lineOf)];
          expect(new Set(lines).size).toBe(lines.length);
          expect(lines.every((line) => line >= 1 && line <= text.split('\n').length)).toBe(true);
        },
      ),
      runs,
    );
  });

  test('printed values are read back unchanged', () => {
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: ({ name }) => name }), (entries) => {
        const text = entries.map(({ name, value, quote }) => `${name}=${quote}${value}${quote}\n`).join('');
        expect(parseDotenv(text, label)).toEqual({
          entries: entries.map(({ name, value }, index) => ({ key: name, value, line: index + 1 })),
          findings: [],
          refusedKeys: [],
        });
      }),
      runs,
    );
  });

  test('exactly the refused lines are named', () => {
    const line = fc.constantFrom<readonly [string, boolean]>(
      ['', true],
      ['# comment', true],
      ['no equals sign', false],
      ['A B=c', false],
      ['K=$value', false],
      ['K="open', false],
      ["K='a' b", false],
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const { findings } = parseDotenv(lines.map(([text]) => text).join('\n'), label);
        const refused = lines.flatMap(([, isGood], index) => (isGood ? [] : [index + 1]));
        expect(findings.map(lineOf)).toEqual(refused);
      }),
      runs,
    );
  });
});
