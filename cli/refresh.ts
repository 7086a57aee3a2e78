import { runPulumi } from './stack.ts';
import { stackVerb } from './stack-verb.ts';

export const refresh = stackVerb(
  {
    summary: 'read what the daemon has into the state',
    details: 'The next up repairs what differs from the settings.',
    areSettingsNeeded: false,
  },
  async (stack) => ((await runPulumi(stack, ['refresh', '--yes'])) === 0 ? 0 : 1),
);
