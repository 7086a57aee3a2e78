import type { z } from 'zod';
import { UserError } from '../host/errors.ts';
import { parseJson, readIfThere } from '../host/whole-file.ts';

/**
 * Reads a JSON file that gatewayctl wrote.
 * @param fix of a damaged file: the command, and what is lost
 * @returns `undefined` if there is no such file
 * @throws UserError E_DAMAGED_FILE if it does not contain what gatewayctl writes
 */
export function readRemembered<T>(path: string, schema: z.ZodType<T>, fix: string): T | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  const { success, data } = schema.safeParse(parseJson(text));
  if (success) return data;
  throw new UserError(
    'E_DAMAGED_FILE',
    `${path}: does not contain what gatewayctl writes (got ${text.length} characters)`,
    fix,
  );
}
