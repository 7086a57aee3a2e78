import { print } from '../../../host/output.ts';
import { changingVerb } from '../stack-verb.ts';

export const recover = changingVerb(
  'recover',
  {
    summary: 'mend what a killed run left',
    details:
      'A lock of a dead process, a state that is cut off, pending operations, containers and networks that no state knows. up, refresh and destroy do the same first; without damage it does nothing.',
  },
  async () => {
    print('nothing stands in the way of the next up');
    return 0;
  },
);
