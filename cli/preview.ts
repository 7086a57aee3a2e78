import { runPulumi } from './stack.ts';
import { stackVerb } from './stack-verb.ts';

export const preview = stackVerb('Shows what up would change, and changes nothing.', async (stack) =>
  (await runPulumi(stack, ['preview'])) === 0 ? 0 : 1,
);
