import { runPulumi } from './stack.ts';
import { stackVerb } from './stack-verb.ts';

export const refresh = stackVerb(
  'Reads what the daemon really has into the state; the next up repairs what differs.',
  async (stack) => ((await runPulumi(stack, ['refresh', '--yes'])) === 0 ? 0 : 1),
);
