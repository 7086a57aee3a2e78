import { UserError } from '../../../host/errors.ts';
import { print } from '../../../host/output.ts';
import { parseEnvironment } from '../../../settings/instance.ts';
import { changeAnyStack } from '../../stack/change.ts';
import { runPulumiOrFail } from '../../stack/run-pulumi.ts';
import type { Verb } from '../verb.ts';

export const destroy: Verb = {
  usage: '<env> [--yes] [--wait]',
  summary: 'remove containers and network',
  details: 'Data, volumes and settings stay; the next up uses them again.',
  options: { yes: { type: 'boolean', short: 'y' }, wait: { type: 'boolean' } },
  optionHelp: { yes: 'do not ask for confirmation; required without a terminal' },
  words: [1, 1],
  async run({ words, options, progress }) {
    const env = parseEnvironment(words[0]);
    const isSure = options.yes === true;
    if (!isSure && !process.stdin.isTTY) {
      throw new UserError(
        'E_NOT_CONFIRMED',
        `destroy ${env}: must be confirmed (got no terminal); nothing was changed`,
        `Run ./gatewayctl destroy ${env} --yes.`,
      );
    }
    const how = { what: `destroy ${env}`, isSandboxAsked: false, isWaiting: options.wait === true };
    return changeAnyStack(env, { ...how, progress }, async (stack) => {
      await runPulumiOrFail(stack, ['destroy', ...(isSure ? ['--yes'] : [])]);
      print(`kept: the data and settings of ${env} in ${stack.instance.dir}, and its Docker volumes`);
      return 0;
    });
  },
};
