import { parseEnvironment } from '../../settings/instance.ts';
import { changeStack } from '../stack/change.ts';
import { prepareStack } from '../stack/prepare.ts';
import type { StackWithSettings } from '../stack/stack.ts';
import type { Invocation, Verb } from './verb.ts';

/** A verb `<env> [--sandbox]` that works on a prepared stack. */
export function stackVerb(
  { summary, details }: Pick<Verb, 'summary' | 'details'>,
  run: (stack: StackWithSettings, invocation: Invocation) => Promise<number>,
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
      return run(await prepareStack(env, { isSandboxAsked, progress: invocation.progress }), invocation);
    },
  };
}

/** A verb that changes the stack: `--wait` waits for the instance's lock instead of failing. */
export function changingVerb(
  name: string,
  { summary, details }: Pick<Verb, 'summary' | 'details'>,
  run: (stack: StackWithSettings, invocation: Invocation) => Promise<number>,
): Verb {
  return {
    usage: '<env> [--sandbox] [--wait]',
    summary,
    ...(details === undefined ? {} : { details }),
    options: { sandbox: { type: 'boolean' }, wait: { type: 'boolean' } },
    words: [1, 1],
    async run(invocation) {
      const env = parseEnvironment(invocation.words[0]);
      const options = {
        what: `${name} ${env}`,
        isSandboxAsked: invocation.options.sandbox === true,
        isWaiting: invocation.options.wait === true,
        progress: invocation.progress,
      };
      return changeStack(env, options, (stack) => run(stack, invocation));
    },
  };
}
