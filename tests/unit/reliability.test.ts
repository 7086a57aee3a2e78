import { expect, test } from 'vitest';
import { markdownTable, withSection } from '../helpers/reliability.ts';

const page = `# Page

<!-- faults: written -->
old
<!-- end of faults -->

<!-- soak: written -->

other

<!-- end of soak -->
`;

test('a section gets another body, and the rest of the page stays', () => {
  const text = withSection(page, 'faults', '| a |\n');
  expect(text).toBe(page.replace('\nold\n', '\n\n| a |\n\n'));
  expect(withSection(text, 'faults', '| a |')).toBe(text);
});

test('a page that lost a mark is refused', () => {
  expect(() => withSection(page.replace('<!-- end of soak -->', ''), 'soak', 'x')).toThrow('no marks of soak');
  expect(() => withSection(page.replace('<!-- soak: written -->', ''), 'soak', 'x')).toThrow('no marks of soak');
});

test('what a cell holds cannot break the table', () => {
  expect(markdownTable(['a', 'b'], [['1|2', 'x\n  y']])).toBe('| a | b |\n| --- | --- |\n| 1\\|2 | x y |');
});
