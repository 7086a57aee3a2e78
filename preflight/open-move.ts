import { readMove } from '../instance/move-journal.ts';
import type { HostCheck } from './finding.ts';

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
