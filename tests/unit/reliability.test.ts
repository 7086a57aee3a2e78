import { expect, test } from 'vitest';
import { markdownTable, withFault, withSection } from '../helpers/reliability.ts';

const page = `# Page

<!-- faults: written -->
old
<!-- end of faults -->

<!-- soak: written -->

other

<!-- end of soak -->
`;

test('a section gets a new body, and the rest of the page stays', () => {
  const text = withSection(page, 'faults', '| a |\n');
  expect(text).toBe(page.replace('\nold\n', '\n\n| a |\n\n'));
  expect(withSection(text, 'faults', '| a |')).toBe(text);
});

test('a page without a mark is refused', () => {
  expect(() => withSection(page.replace('<!-- end of soak -->', ''), 'soak', 'x')).toThrow('no marks of soak');
  expect(() => withSection(page.replace('<!-- soak: written -->', ''), 'soak', 'x')).toThrow('no marks of soak');
});

test('the text of a cell cannot break the table', () => {
  expect(markdownTable(['a', 'b'], [['1|2', 'x\n  y']])).toBe('| a | b |\n| --- | --- |\n| 1\\|2 | x y |');
});

test('the result of a fault replaces its last one, in order', () => {
  const rows = (text: string) => text.split('\n').slice(4);
  const one = withFault(page, ['F02', 'a', 'b', 'held'], 2);
  expect(one).toMatch(/^1 of 2 faults were run; each row /);
  const two = withFault(one, ['F01', 'c', 'd', 'failed: x'], 2);
  expect(two).toMatch(/^Each row /);
  expect(rows(two)).toEqual(['| F01 | c | d | failed: x |', '| F02 | a | b | held |']);
  expect(rows(withFault(two, ['F01', 'c', 'd', 'held'], 2))).toEqual([
    '| F01 | c | d | held |',
    '| F02 | a | b | held |',
  ]);
});
