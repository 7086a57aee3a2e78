/** One `KEY=value` line of a `.env` file. */
export interface DotenvEntry {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/** A line that is not in the subset of Compose's grammar that is read here. */
export interface DotenvProblem {
  readonly line: number;
  /** The variable that the line is about, where it can be told. */
  readonly key?: string;
  readonly message: string;
}

// Compose and JavaScript differ in which of them they strip; U+FFFD is what Node reads in place of a bad byte.
const unusualBlank = /[^\S \t]|[\u0085\ufffd]/;

const keyPattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Reads a strict subset of Compose's `.env` grammar: one `KEY=value` a line, plain, 'single' or "double" quoted,
 * comments from `#` at the start or after a space. What Compose would expand, escape or continue on the next line
 * is a problem with its line, never a guess.
 */
export function parseDotenv(text: string): { entries: readonly DotenvEntry[]; problems: readonly DotenvProblem[] } {
  const entries: DotenvEntry[] = [];
  const problems: DotenvProblem[] = [];
  const seen = new Map<string, number>();
  text.split('\n').forEach((raw, index) => {
    const line = index + 1;
    const result = parseLine(raw.endsWith('\r') ? raw.slice(0, -1) : raw);
    if (result === undefined) return;
    if ('message' in result) {
      problems.push({ line, ...result });
      return;
    }
    const { key } = result;
    const first = seen.get(key);
    if (first !== undefined) {
      problems.push({ line, key, message: `${key} stands a second time, first on line ${first}. Delete one` });
      return;
    }
    seen.set(key, line);
    entries.push({ ...result, line });
  });
  return { entries, problems };
}

/** The entry, `undefined` for a blank or comment line, or what is wrong. */
function parseLine(raw: string): Pick<DotenvEntry, 'key' | 'value'> | Omit<DotenvProblem, 'line'> | undefined {
  if (hasControlCharacter(raw)) return { message: 'has a control character. Write the line anew' };
  const text = raw.replace(/^[ \t]+|[ \t]+$/g, '');
  if (text === '' || text.startsWith('#')) return undefined;
  if (unusualBlank.test(text)) {
    return { message: 'has a blank that is no plain space, or a character that is not UTF-8. Write the line anew' };
  }
  const equals = text.indexOf('=');
  if (equals < 0) return { message: 'is no KEY=value line. Add "=" or make it a comment with "#"' };
  const key = text.slice(0, equals).trimEnd();
  // Compose takes "export" and a blank away, and then finds no name.
  if (!keyPattern.test(key) || key === 'export')
    return { message: 'has no name of letters, digits and "_" before the "=". Correct it, and leave out "export"' };
  const value = parseValue(text.slice(equals + 1).trimStart());
  if (value.problem !== undefined) return { key, message: `${key} ${value.problem}` };
  return { key, value: value.text };
}

const backslashProblem = 'has a backslash, which Compose may take as an escape. Choose a value without one';

type Value = { readonly text: string; readonly problem?: never } | { readonly problem: string };

function parseValue(text: string): Value {
  const quote = text[0];
  if (quote === "'" || quote === '"') return parseQuoted(text.slice(1), quote);
  if (text.startsWith('#')) return { problem: 'has "#" right after "=". Quote the value, or leave nothing there' };
  if (text.includes('\t#')) return { problem: 'has "#" after a tab, which is no comment for Compose. Use a space' };
  const comment = text.indexOf(' #');
  const plain = (comment < 0 ? text : text.slice(0, comment)).trimEnd();
  if (plain.includes('\\')) return { problem: backslashProblem };
  const special = /[$'"`]/.exec(plain)?.[0];
  if (special !== undefined) {
    const quotes = special === "'" ? 'double' : 'single';
    return { problem: `has ${special} in a plain value, which Compose may expand. Put the value in ${quotes} quotes` };
  }
  return { text: plain };
}

function parseQuoted(text: string, quote: string): Value {
  const end = text.indexOf(quote);
  if (end < 0) return { problem: `has no closing ${quote} on its line. Add it; a value is one line` };
  const rest = text.slice(end + 1);
  if (!/^([ \t]+(#.*)?)?$/.test(rest))
    return { problem: `has text after the closing ${quote}. Delete it, or make it a comment with " #"` };
  const value = text.slice(0, end);
  if (value.includes('\\')) return { problem: backslashProblem };
  if (quote === '"' && value.includes('$')) {
    return { problem: 'has $ in double quotes, which Compose would expand. Put the value in single quotes' };
  }
  return { text: value };
}

function hasControlCharacter(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code === 0xfeff) return true;
  }
  return false;
}
