import { print } from '../../../host/output.ts';
import { changingVerb } from '../stack-verb.ts';

export const recover = changingVerb(
  'recover',
  {
    summary: 'repair what a killed run left',
    details:
      'Repairs locks of dead processes, a truncated state, pending operations, and containers and networks that are not in the state. up, refresh, destroy, rotate and move-data do the same first. Without damage it changes nothing.',
  },
  async () => {
    print('ready for the next up');
    return 0;
  },
);
