import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../host/errors.ts';
import { note, print } from '../../../host/output.ts';
import { readMove } from '../../../instance/move-journal.ts';
import { loadSettings } from '../../../settings/load.ts';
import { dataVolumes } from '../../../settings/services.ts';
import { copyAll, switchTo } from '../../data/move-steps.ts';
import { targetOf } from '../../data/move-target.ts';
import { deployStack } from '../../deploy/deploy.ts';
import { changingVerb } from '../stack-verb.ts';
import type { Verb } from '../verb.ts';

const move = changingVerb(
  'move-data',
  {
    summary: 'move the data to another directory',
    details:
      'Stops the services, copies, compares every byte, owner and mode, points volumes, markers and DATA_DIR at the copy, and deploys. The old copy stays. After a kill, run it again.',
  },
  async (stack, { words, progress }) => {
    const { instance, settings } = stack;
    const to = targetOf(settings.env, words[1] ?? '');
    const open = readMove(instance);
    if (open?.phase === 'switching' && open.to !== to) {
      throw new UserError(
        'E_MOVE_OPEN',
        `move-data: the move to ${open.to} is not finished (got ${to})`,
        `Run ./gatewayctl move-data ${settings.env} ${open.to} first.`,
      );
    }
    if (open === undefined && settings.dataDir === to) {
      note(`the data of ${settings.env} is already in ${to}`);
      return deployStack(stack, progress);
    }
    const from = open?.phase === 'switching' ? open.from : settings.dataDir;
    if (open?.phase !== 'switching') await copyAll(stack, settings, to, progress);
    await switchTo(stack, settings, to, progress);
    const moved = { ...stack, settings: loadSettings(instance, stack.checkoutDir) };
    const exitCode = await deployStack(moved, progress);
    const old = dataVolumes.map((volume) => join(from, volume)).filter((dir) => existsSync(dir));
    print(
      `moved: the data of ${settings.env} to ${to}; once you no longer need the old copy: sudo rm -r ${old.join(' ')}`,
    );
    return exitCode;
  },
);

export const moveData: Verb = { ...move, usage: '<env> <dir> [--sandbox] [--wait]', words: [2, 2] };
