import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { workTree } from './engine.ts';

/** Sections of docs/reliability.md, each named after the suite that writes it. */
export type Section = 'faults' | 'soak';

/** Whether `--write` was given. */
export const isWriting = process.env.TEST_WRITE === 'true';

/** Replaces the body between the two marks of a section. */
export function withSection(text: string, section: Section, body: string): string {
  const [begin, end] = [`<!-- ${section}: `, `<!-- end of ${section} -->`];
  const beginsAt = text.indexOf('-->\n', text.indexOf(begin)) + 4;
  const endsAt = text.indexOf(end);
  if (!text.includes(begin) || beginsAt < 4 || endsAt < beginsAt) throw new Error(`no marks of ${section}`);
  return `${text.slice(0, beginsAt)}\n${body.trim()}\n\n${text.slice(endsAt)}`;
}

const path = join(workTree, 'docs', 'reliability.md');

/** Writes the result of a run into its section of docs/reliability.md. */
export function writeReliability(section: Section, body: string): void {
  writeFileSync(path, withSection(readFileSync(path, 'utf8'), section, body));
}

/** Id, fault, phase, result. */
export type FaultRow = readonly [string, string, string, string];

/** A line on the run, and the rows of its faults. */
export const faultsTable = (line: string, rows: readonly FaultRow[]): string =>
  `${line}\n\n${markdownTable(faultsHead, rows)}`;

const faultsHead = ['', 'fault', 'phase', 'result'];

/** Replaces the result of one fault. @param count how many faults there are */
export function writeFault(row: FaultRow, count: number): void {
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, withSection(text, 'faults', withFault(text, row, count)));
}

/** The page's table of faults with one row replaced. */
export function withFault(page: string, row: FaultRow, count: number): string {
  const others = page.split('\n').filter((line) => /^\| F\d\d \|/.test(line) && !line.startsWith(`| ${row[0]} |`));
  const [head, rule, line = ''] = markdownTable(faultsHead, [row]).split('\n');
  const rows = [...others, line].sort();
  const ran = rows.length < count ? `${rows.length} of ${count} faults were run; each` : 'Each';
  return [`${ran} row is the last run of its fault.`, '', head, rule, ...rows].join('\n');
}

/** A Markdown table; cells may contain `|` and line ends. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
