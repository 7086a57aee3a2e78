import { runPulumiOrFail } from '../../stack/run-pulumi.ts';
import { changingVerb } from '../stack-verb.ts';

export const refresh = changingVerb(
  'refresh',
  {
    summary: 'read what the daemon has into the state',
    details: 'The next up repairs what differs from the settings.',
  },
  async (stack) => {
    await runPulumiOrFail(stack, ['refresh', '--yes']);
    return 0;
  },
);
