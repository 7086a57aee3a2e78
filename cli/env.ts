import { print } from './output.ts';
import { stackVerb } from './stack-verb.ts';

export const env = stackVerb(
  'Prints shell exports that make pulumi and docker the environment\'s own: eval "$(./gatewayctl env dev)".',
  async (stack) => {
    for (const [key, value] of Object.entries(stack.exports)) print(exportLine(key, value));
    return 0;
  },
);

/** One line for a POSIX shell, safe whatever the value holds. */
export function exportLine(key: string, value: string | undefined): string {
  return value === undefined ? `unset ${key}` : `export ${key}='${value.replaceAll("'", "'\\''")}'`;
}
