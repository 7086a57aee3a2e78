import { print } from '../../../host/output.ts';
import { stackVerb } from '../stack-verb.ts';

export const env = stackVerb(
  {
    summary: 'print the exports for plain pulumi and docker',
    details:
      'In the shell: eval "$(./gatewayctl env dev)". Then pulumi up, preview, stack output and destroy work on that environment, and docker on its daemon.',
    areSettingsNeeded: false,
  },
  async (stack) => {
    for (const [key, value] of Object.entries(stack.exports)) print(exportLine(key, value));
    return 0;
  },
);

/** One line for a POSIX shell, safe whatever the value holds. */
export function exportLine(key: string, value: string | undefined): string {
  return value === undefined ? `unset ${key}` : `export ${key}='${value.replaceAll("'", "'\\''")}'`;
}
