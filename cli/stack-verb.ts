import { parseEnvironment } from '../settings/instance.ts';
import { type PrepareOptions, prepareStack, type Stack } from './stack.ts';
import type { Invocation, Verb } from './verb.ts';

/** A verb `<env> [--sandbox]` that works on a prepared stack. */
export function stackVerb(
  {
    summary,
    details,
    areSettingsNeeded,
  }: Pick<Verb, 'summary' | 'details'> & Pick<PrepareOptions, 'areSettingsNeeded'>,
  run: (stack: Stack, invocation: Invocation) => Promise<number>,
): Verb {
  return {
    usage: '<env> [--sandbox]',
    summary,
    ...(details === undefined ? {} : { details }),
    options: { sandbox: { type: 'boolean' } },
    words: [1, 1],
    async run(invocation) {
      const env = parseEnvironment(invocation.words[0]);
      const isSandboxAsked = invocation.options.sandbox === true;
      const stack = await prepareStack(env, { isSandboxAsked, areSettingsNeeded, progress: invocation.progress });
      return run(stack, invocation);
    },
  };
}
