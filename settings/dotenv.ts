import { errorFinding, type Finding } from '../host/errors.ts';

/** One `KEY=value` line of a `.env` file. */
export interface DotenvEntry {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/** Content of a `.env` file. */
interface Dotenv {
  readonly entries: readonly DotenvEntry[];
  /** One for each line outside the supported subset of Compose's grammar. */
  readonly findings: readonly Finding[];
  /** Variables of such lines, if the name can be read. */
  readonly refusedKeys: readonly string[];
}

// Compose and JavaScript differ in which of them they strip; Node reads an invalid byte as U+FFFD.
const unusualBlank = /[^\S \t]|[\u0085\ufffd]/;

const keyPattern = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Reads a strict subset of Compose's `.env` grammar: one `KEY=value` a line, plain, 'single' or "double" quoted,
 * comments from `#` at the start or after a space. What Compose would expand, escape or continue on the next line
 * is a finding with its line, never a guess.
 * @param label name of the file in findings: `dev/.env`
 */
export function parseDotenv(text: string, label: string): Dotenv {
  const entries: DotenvEntry[] = [];
  const findings: Finding[] = [];
  const refusedKeys: string[] = [];
  const seen = new Map<string, number>();
  text.split('\n').forEach((raw, index) => {
    const line = index + 1;
    const refuse: Refuse = (rule, fix, key) => {
      const where = key === undefined ? `${label}:${line}` : `${label}:${line} ${key}`;
      findings.push(errorFinding('E_ENV_SYNTAX', `${where}: ${rule}`, fix));
      if (key !== undefined) refusedKeys.push(key);
    };
    const entry = parseLine(raw.endsWith('\r') ? raw.slice(0, -1) : raw, refuse);
    if (entry === undefined) return;
    const first = seen.get(entry.key);
    if (first !== undefined) {
      refuse(`is set a second time (first on line ${first})`, 'Delete one of the two lines.', entry.key);
      return;
    }
    seen.set(entry.key, line);
    entries.push({ ...entry, line });
  });
  return { entries, findings, refusedKeys };
}

/** @param key the variable of the line, if its name can be read */
type Refuse = (rule: string, fix: string, key?: string) => undefined;

/** The entry; `undefined` for a blank or comment line, and for one that is refused. */
function parseLine(raw: string, refuse: Refuse): Pick<DotenvEntry, 'key' | 'value'> | undefined {
  if (hasControlCharacter(raw)) return refuse('contains a control character', 'Retype the line.');
  const text = raw.replace(/^[ \t]+|[ \t]+$/g, '');
  if (text === '' || text.startsWith('#')) return undefined;
  if (unusualBlank.test(text)) {
    const rule = 'contains whitespace other than space or tab, or invalid UTF-8';
    return refuse(rule, 'Retype the line.');
  }
  const equals = text.indexOf('=');
  if (equals < 0) return refuse('is not a KEY=value line', 'Add "=" or make it a comment with "#".');
  const key = text.slice(0, equals).trimEnd();
  // Compose strips "export" and a blank, and then finds no name.
  if (!keyPattern.test(key) || key === 'export') {
    const rule = 'has no name of letters, digits and "_" before the "="';
    return refuse(rule, 'Correct the name, and leave out "export".');
  }
  const value = parseValue(text.slice(equals + 1).trimStart(), (rule, fix) => refuse(rule, fix, key));
  return value === undefined ? undefined : { key, value };
}

const refuseBackslash = (refuse: Refuse) =>
  refuse('has a backslash, which Compose may take as an escape', 'Choose a value without one.');

function parseValue(text: string, refuse: Refuse): string | undefined {
  const quote = text[0];
  if (quote === "'" || quote === '"') return parseQuoted(text.slice(1), quote, refuse);
  if (text.startsWith('#')) return refuse('has "#" right after "="', 'Quote the value, or leave nothing there.');
  if (text.includes('\t#')) return refuse('has "#" after a tab, which is not a comment for Compose', 'Use a space.');
  const comment = text.indexOf(' #');
  const plain = (comment < 0 ? text : text.slice(0, comment)).trimEnd();
  if (plain.includes('\\')) return refuseBackslash(refuse);
  const special = /[$'"`]/.exec(plain)?.[0];
  if (special !== undefined) {
    const quotes = special === "'" ? 'double' : 'single';
    const rule = `has ${special} in a plain value, which Compose may expand`;
    return refuse(rule, `Put the value in ${quotes} quotes.`);
  }
  return plain;
}

function parseQuoted(text: string, quote: string, refuse: Refuse): string | undefined {
  const end = text.indexOf(quote);
  if (end < 0) return refuse(`has no closing ${quote} on its line`, 'Add it; a value is one line.');
  const rest = text.slice(end + 1);
  if (!/^([ \t]+(#.*)?)?$/.test(rest))
    return refuse(`has text after the closing ${quote}`, 'Delete it, or make it a comment with " #".');
  const value = text.slice(0, end);
  if (value.includes('\\')) return refuseBackslash(refuse);
  if (quote === '"' && value.includes('$')) {
    return refuse('has $ in double quotes, which Compose would expand', 'Put the value in single quotes.');
  }
  return value;
}

function hasControlCharacter(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code === 0xfeff) return true;
  }
  return false;
}
