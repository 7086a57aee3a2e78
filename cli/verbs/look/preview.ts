import { print } from '../../../host/output.ts';
import { parseEnvironment } from '../../../settings/instance.ts';
import { makePlan } from '../../reports/plan.ts';
import { prepareStack } from '../../stack/prepare.ts';
import { runPulumiOrFail } from '../../stack/run-pulumi.ts';
import type { Stack } from '../../stack/stack.ts';
import { withStackCopy } from '../../stack/stack-copy.ts';
import type { Verb } from '../verb.ts';

export const preview: Verb = {
  usage: '<env> [--sandbox] [--on-copy] [--json]',
  summary: 'show what up would change',
  details: 'Builds nothing and changes no container. If the instance dev is missing, it is created.',
  options: { sandbox: { type: 'boolean' }, 'on-copy': { type: 'boolean' }, json: { type: 'boolean' } },
  optionHelp: {
    'on-copy': 'use a copy of the state and no lock: for pull requests',
    json: 'print the plan on one line, also if it failed (exit 1)',
  },
  words: [1, 1],
  async run({ words, options, progress }) {
    const env = parseEnvironment(words[0]);
    const show = (stack: Stack) => (options.json === true ? printPlan(stack) : showPreview(stack));
    if (options['on-copy'] === true) return withStackCopy(env, progress, show);
    const isSandboxAsked = options.sandbox === true;
    return show(await prepareStack(env, { isSandboxAsked, progress }));
  },
};

async function showPreview(stack: Stack): Promise<number> {
  await runPulumiOrFail(stack, ['preview', '--suppress-outputs']);
  return 0;
}

async function printPlan(stack: Stack): Promise<number> {
  const plan = await makePlan(stack);
  print(JSON.stringify(plan));
  return plan.failure === undefined ? 0 : 1;
}
