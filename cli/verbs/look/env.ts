import { print } from '../../../host/output.ts';
import { parseEnvironment } from '../../../settings/instance.ts';
import { chooseEngine } from '../../stack/engine.ts';
import { prepareAnyStackOn } from '../../stack/prepare.ts';
import type { Verb } from '../verb.ts';

export const env: Verb = {
  usage: '<env> [--sandbox]',
  summary: 'print the exports for plain pulumi and docker',
  details:
    'In the shell: eval "$(./gatewayctl env dev)". Then pulumi up, preview, stack output and destroy work on that environment, and docker on its daemon.',
  options: { sandbox: { type: 'boolean' } },
  words: [1, 1],
  async run({ words, options, progress }) {
    const environment = parseEnvironment(words[0]);
    const stack = await prepareAnyStackOn(
      await chooseEngine(environment, options.sandbox === true),
      environment,
      progress,
    );
    for (const [key, value] of Object.entries(stack.exports)) print(exportLine(key, value));
    return 0;
  },
};

/** One line for a POSIX shell; the value is quoted. */
export function exportLine(key: string, value: string | undefined): string {
  return value === undefined ? `unset ${key}` : `export ${key}='${value.replaceAll("'", "'\\''")}'`;
}
