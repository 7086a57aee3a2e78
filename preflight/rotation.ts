import { doesRotationGoOn, readRotation, secretValue } from '../instance/rotation-journal.ts';
import type { HostCheck } from './finding.ts';

/** No secret was changed where it is stored and not yet in the `.env`. */
export const rotation: HostCheck = {
  name: 'rotation',
  reads: 'host',
  run({ settings }) {
    const { instance, secrets, env } = settings;
    const open = readRotation(instance);
    if (open === undefined || doesRotationGoOn() || secretValue(secrets, open.variable) === open.after) return [];
    return [
      {
        code: 'E_ROTATION_OPEN',
        severity: 'error',
        message: `${instance.envFile} ${open.variable}: its rotation was interrupted`,
        why: 'The service that stores it may have the new value already; one that is started now would get the old one.',
        fix: `Run ./gatewayctl up ${env}: it goes on with the rotation, then deploys.`,
      },
    ];
  },
};
