import { describe, expect, test } from 'vitest';
import { table, terminalProgress } from '../../../host/output.ts';

describe('a table', () => {
  test('has aligned columns and no blanks at the end', () => {
    const rows = [
      ['ENV', 'SERVICE', 'HEALTH'],
      ['dev', 'db', ''],
      ['stage', 'prometheus', 'healthy'],
    ];
    expect(`\n${table(rows)}\n`).toMatchInlineSnapshot(`
      "
      ENV    SERVICE     HEALTH
      dev    db
      stage  prometheus  healthy
      "
    `);
  });

  test('of nothing is empty, and rows may be of different lengths', () => {
    expect(table([])).toBe('');
    expect(table([['a'], ['bb', 'c']])).toBe('a\nbb  c');
  });
});

test('progress on a terminal: a line for each step, and at most one in 5 s while it lasts', () => {
  const written: string[] = [];
  let nowMs = 0;
  const progress = terminalProgress({ isTTY: true, write: (text) => written.push(text) }, () => nowMs);
  const at = (ms: number, report: () => void) => {
    nowMs = ms;
    report();
  };
  at(1_000, () => progress.step('building'));
  at(5_900, () => progress.tick('still at it'));
  at(6_000, () => progress.tick('compiling'));
  at(10_900, () => progress.tick('too early'));
  at(11_000, () => progress.tick('linking'));
  at(13_400, () => progress.done('built'));
  at(20_000, () => progress.step('starting'));
  at(24_000, () => progress.tick('too early again'));
  at(25_500, () => progress.tick('waiting'));
  expect(written).toEqual([
    'building\n',
    '  compiling (5 s)\n',
    '  linking (10 s)\n',
    'built (12 s)\n',
    'starting\n',
    '  waiting (6 s)\n',
  ]);
});

test('progress in a log: at most one line in 30 s while a step lasts', () => {
  const written: string[] = [];
  let nowMs = 0;
  const progress = terminalProgress({ write: (text) => written.push(text) }, () => nowMs);
  progress.step('building');
  for (nowMs = 1_000; nowMs <= 65_000; nowMs += 1_000) progress.tick('compiling');
  expect(written).toEqual(['building\n', '  compiling (30 s)\n', '  compiling (60 s)\n']);
});
