import { readAdoption } from '../instance/adoption-journal.ts';
import { readMove } from '../instance/move-journal.ts';
import { doesRotationContinue, readRotation } from '../instance/rotation-journal.ts';
import type { HostCheck } from './check.ts';

/** No rotation is open: no secret was changed in its service but not yet in the `.env`. */
export const rotation: HostCheck = {
  name: 'rotation',
  reads: 'host',
  run({ settings }) {
    const { instance, secrets, env } = settings;
    const open = readRotation(instance);
    if (open === undefined || doesRotationContinue() || secrets[open.variable] === open.after) return [];
    return [
      {
        code: 'E_ROTATION_OPEN',
        severity: 'error',
        message: `${instance.envFile} ${open.variable}: its rotation was interrupted`,
        why: 'The service may already use the new value; a container started now would get the old one.',
        fix: `Run ./gatewayctl up ${env}: it continues the rotation, then deploys.`,
      },
    ];
  },
};

/** No move of the data is open: a deploy would write to the old copy, which is left behind. */
export const openMove: HostCheck = {
  name: 'open-move',
  reads: 'host',
  run({ settings: { instance, env } }) {
    const move = readMove(instance);
    if (move?.phase !== 'switching') return [];
    return [
      {
        code: 'E_MOVE_OPEN',
        severity: 'error',
        message: `${instance.dir}: the move of its data from ${move.from} is not finished (got ${move.to})`,
        why: 'A deploy would write to the old copy, which is left behind.',
        fix: `./gatewayctl move-data ${env} ${move.to}`,
      },
    ];
  },
};

/** No adoption is open: a deploy would start on part of the data. */
export const openAdoption: HostCheck = {
  name: 'open-adoption',
  reads: 'host',
  run({ settings: { instance, env } }) {
    const phase = readAdoption(instance)?.phase ?? 'done';
    if (phase === 'done') return [];
    return [
      {
        code: 'E_ADOPT_OPEN',
        severity: 'error',
        message: `${instance.dir}: the adoption of a Compose project is not finished (got ${phase})`,
        why: 'A deploy would start on part of its data.',
        fix: `./gatewayctl adopt ${env}`,
      },
    ];
  },
};
