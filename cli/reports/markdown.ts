/** Text whose Markdown and HTML are escaped, or a result of `code`. */
export type Cell = string | Code;

export interface Code {
  readonly code: string;
  toString(): string;
}

/** Untrusted text as Markdown that shows it literally. */
export const escaped = (text: string) =>
  text.replaceAll(/[\\`*_[\]#|~<>&@]/g, (character) => `&#${character.charCodeAt(0)};`).replaceAll(/\s*\n\s*/g, ' ');

/** Text as code within a line. */
export function code(text: string): Code {
  // HTML rather than backticks, which the text could hold.
  const html = `<code>${escaped(text)}</code>`;
  return { code: html, toString: () => html };
}

export const heading = (level: 1 | 2, text: string) => `${'#'.repeat(level)} ${escaped(text)}`;

export const list = (items: readonly string[]) => items.map((item) => `- ${escaped(item)}`).join('\n');

/** Text as a code block, whatever it contains. */
export function preformatted(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}

export function markdownTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]) =>
    `| ${cells.map((cell) => (typeof cell === 'string' ? escaped(cell) : cell.code)).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}
