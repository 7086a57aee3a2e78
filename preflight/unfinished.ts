import { readAdoption } from '../instance/adoption-journal.ts';
import { readMove } from '../instance/move-journal.ts';
import { doesRotationContinue, readRotation } from '../instance/rotation-journal.ts';
import type { HostCheck } from './finding.ts';

/** No secret was changed where it is stored and not yet in the `.env`. */
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
        why: 'The service that stores it may have the new value already; one that is started now would get the old one.',
        fix: `Run ./gatewayctl up ${env}: it goes on with the rotation, then deploys.`,
      },
    ];
  },
};
/** The data is not half on its way: a deploy would write to the old copy, and the move would then leave that behind. */
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
        why: 'What a deploy writes now would be left behind.',
        fix: `./gatewayctl move-data ${env} ${move.to}`,
      },
    ];
  },
};
/** The data of a Compose project is not half on its way: a deploy would start on a part of it. */
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
        why: 'A deploy would start on a part of its data.',
        fix: `./gatewayctl adopt ${env}`,
      },
    ];
  },
};
