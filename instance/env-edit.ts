import { readFileSync, statSync } from 'node:fs';
import { UserError } from '../host/errors.ts';
import { writeWhole } from '../host/whole-file.ts';

/**
 * The text of an `.env` with a new value for a variable in it; every other byte is unchanged.
 * @param value without blanks, quotes, `$`, `#` and backslashes: it is written without quotes
 */
export function withValue(text: string, variable: string, value: string): string {
  const line = new RegExp(`^([ \\t]*${variable}[ \\t]*=[ \\t]*)('[^'\\n]*'|"[^"\\n]*"|[^\\s'"]*)`, 'm');
  if (!line.test(text)) {
    throw new UserError('E_NOT_SET', `.env ${variable}: has no line of its own`, `Add the line ${variable}=.`);
  }
  return text.replace(line, (_, before: string) => `${before}${value}`);
}

/** Replaces a file atomically, with the same owner and mode. */
export function replaceFile(path: string, text: string): void {
  const { uid, gid, mode } = statSync(path);
  writeWhole(path, text, mode & 0o777, process.getuid?.() === 0 ? { uid, gid } : undefined);
}

/** Changes one variable of an `.env`. */
export const setEnvValue = (envFile: string, variable: string, value: string): void =>
  edit(envFile, (text) => withValue(text, variable, value));

/** The same; a variable without a line gets one at the end. */
export const putEnvValue = (envFile: string, variable: string, value: string): void =>
  edit(envFile, (text) => {
    if (new RegExp(`^[ \\t]*${variable}[ \\t]*=`, 'm').test(text)) return withValue(text, variable, value);
    return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${variable}=${value}\n`;
  });

function edit(envFile: string, change: (text: string) => string): void {
  const text = readFileSync(envFile, 'utf8');
  const edited = change(text);
  if (edited !== text) replaceFile(envFile, edited);
}
