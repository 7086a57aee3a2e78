import { runPulumi } from './stack.ts';
import { stackVerb } from './stack-verb.ts';

export const preview = stackVerb(
  { summary: 'show what up would change', details: 'Builds, creates and touches nothing.', areSettingsNeeded: true },
  async (stack) => ((await runPulumi(stack, ['preview', '--suppress-outputs'])) === 0 ? 0 : 1),
);
