import { parseEnvironment } from '../settings/instance.ts';
import { prepareStack, type Stack } from './stack.ts';
import type { Invocation, Verb } from './verb.ts';

/** A verb `<env> [--sandbox]` that works on a prepared stack. */
export function stackVerb(
  { summary, details }: { readonly summary: string; readonly details: string },
  run: (stack: Stack, invocation: Invocation) => Promise<number>,
): Verb {
  return {
    usage: '<env> [--sandbox]',
    summary,
    details,
    options: { sandbox: { type: 'boolean' } },
    words: [1, 1],
    async run(invocation) {
      const env = parseEnvironment(invocation.words[0]);
      const isSandboxAsked = invocation.options.sandbox === true;
      const stack = await prepareStack(env, { isSandboxAsked, progress: invocation.progress });
      return run(stack, invocation);
    },
  };
}
