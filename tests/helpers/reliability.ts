import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { workTree } from './engine.ts';

/** Sections of docs/reliability.md, each named after the suite that writes it. */
export type Section = 'faults' | 'soak';

/** Whether this run was told `--write`. */
export const isWriting = process.env.TEST_WRITE === 'true';

/** The text with another body between the two marks of a section. */
export function withSection(text: string, section: Section, body: string): string {
  const [begin, end] = [`<!-- ${section}: `, `<!-- end of ${section} -->`];
  const beginsAt = text.indexOf('-->\n', text.indexOf(begin)) + 4;
  const endsAt = text.indexOf(end);
  if (!text.includes(begin) || beginsAt < 4 || endsAt < beginsAt) throw new Error(`no marks of ${section}`);
  return `${text.slice(0, beginsAt)}\n${body.trim()}\n\n${text.slice(endsAt)}`;
}

const path = join(workTree, 'docs', 'reliability.md');

/** Puts what a run found into its section of docs/reliability.md. */
export function writeReliability(section: Section, body: string): void {
  writeFileSync(path, withSection(readFileSync(path, 'utf8'), section, body));
}

/** Id, fault, phase, result. */
export type FaultRow = readonly [string, string, string, string];

/** Rows of the faults below what is to be said of them. */
export const faultsTable = (said: string, rows: readonly FaultRow[]): string =>
  `${said}\n\n${markdownTable(faultsHead, rows)}`;

const faultsHead = ['', 'fault', 'phase', 'result'];

/** Puts the result of one of so many faults in the place of its last one. */
export function writeFault(row: FaultRow, count: number): void {
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, withSection(text, 'faults', withFault(text, row, count)));
}

/** The table of the faults that stand in a page, with another row for one of them. */
export function withFault(page: string, row: FaultRow, count: number): string {
  const others = page.split('\n').filter((line) => /^\| F\d\d \|/.test(line) && !line.startsWith(`| ${row[0]} |`));
  const [head, rule, line = ''] = markdownTable(faultsHead, [row]).split('\n');
  const rows = [...others, line].sort();
  const ran = rows.length < count ? `${rows.length} of ${count} faults were run; each` : 'Each';
  return [`${ran} row is the last run of its fault.`, '', head, rule, ...rows].join('\n');
}

/** Rows as a table, cells without `|` and line ends. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
