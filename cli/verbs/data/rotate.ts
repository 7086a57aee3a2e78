import { randomBytes } from 'node:crypto';
import { UserError } from '../../../host/errors.ts';
import { beginRotation, readRotation } from '../../../instance/rotation-journal.ts';
import { secretVariables } from '../../../settings/schema.ts';
import { deployStack } from '../../deploy/deploy.ts';
import { changingVerb } from '../stack-verb.ts';
import type { Verb } from '../verb.ts';

const rotation = changingVerb(
  'rotate',
  {
    summary: 'give a secret a new random value',
    details: `Changes the value in the service that stores it, in .env and in the containers that use it; replaces no others. After a kill, run it or up again. Secrets: ${secretVariables.join(', ')}.`,
  },
  async (stack, { words, progress }) => {
    const variable = secretVariables.find((name) => name === words[1]);
    if (variable === undefined) {
      throw new UserError(
        'E_NO_SECRET',
        `rotate: unknown secret (got ${words[1]})`,
        `Name one of ${secretVariables.join(', ')}.`,
      );
    }
    const { instance, settings } = stack;
    const open = readRotation(instance);
    if (open !== undefined && open.variable !== variable) {
      throw new UserError(
        'E_ROTATION_OPEN',
        `rotate: the rotation of ${open.variable} is not finished (got ${variable})`,
        `Run ./gatewayctl rotate ${instance.env} ${open.variable} first.`,
      );
    }
    // Written first: a value that only the database has would lock everyone out.
    if (open === undefined) {
      const before = settings.secrets[variable];
      beginRotation(instance, { variable, before, after: randomBytes(24).toString('base64url') });
    }
    return deployStack(stack, progress);
  },
);

export const rotate: Verb = { ...rotation, usage: '<env> <secret> [--sandbox] [--wait]', words: [2, 2] };
