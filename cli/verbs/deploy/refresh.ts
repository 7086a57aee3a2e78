import { runPulumiOrFail } from '../../stack/run-pulumi.ts';
import { changingVerb } from '../stack-verb.ts';

export const refresh = changingVerb(
  'refresh',
  {
    summary: 'update the state from the daemon',
    details: 'The next up repairs what differs from the settings.',
  },
  async (stack) => {
    await runPulumiOrFail(stack, ['refresh', '--yes']);
    return 0;
  },
);
