import { readFileSync, statSync } from 'node:fs';
import { UserError } from './errors.ts';
import { writeWhole } from './whole-file.ts';

/**
 * The text of an `.env` with another value for a variable that stands in it; every other byte stays as it is.
 * @param value without blanks, quotes, `$`, `#` and backslashes: it is written plain
 */
export function withValue(text: string, variable: string, value: string): string {
  const line = new RegExp(`^([ \\t]*${variable}[ \\t]*=[ \\t]*)('[^'\\n]*'|"[^"\\n]*"|[^\\s'"]*)`, 'm');
  if (!line.test(text)) {
    throw new UserError('E_NOT_SET', `.env ${variable}: stands on no line of its own`, `Add the line ${variable}=.`);
  }
  return text.replace(line, (_, before: string) => `${before}${value}`);
}

/** Puts a file in the place of another, whole or not at all, with the same owner and mode. */
export function replaceFile(path: string, text: string): void {
  const { uid, gid, mode } = statSync(path);
  writeWhole(path, text, mode & 0o777, process.getuid?.() === 0 ? { uid, gid } : undefined);
}

/** Writes one variable of an `.env` anew, on a line of its own at the end where it stands on none. */
export function putEnvValue(envFile: string, variable: string, value: string): void {
  const text = readFileSync(envFile, 'utf8');
  const isThere = new RegExp(`^[ \\t]*${variable}[ \\t]*=`, 'm').test(text);
  const added = `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${variable}=${value}\n`;
  const edited = isThere ? withValue(text, variable, value) : added;
  if (edited !== text) replaceFile(envFile, edited);
}

/** Writes one variable of an `.env` anew. */
export function setEnvValue(envFile: string, variable: string, value: string): void {
  const text = readFileSync(envFile, 'utf8');
  const edited = withValue(text, variable, value);
  if (edited !== text) replaceFile(envFile, edited);
}
