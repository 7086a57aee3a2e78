import { cleanSandbox, sandboxStatus, startSandbox, stopSandbox } from '../../../bootstrap/sandbox/sandbox.ts';
import { UserError } from '../../../host/errors.ts';
import { print } from '../../../host/output.ts';
import { sandboxPlace } from '../../stack/engine.ts';
import type { Verb } from '../verb.ts';

const usage = 'start|stop|status|clean [--yes]';

export const sandbox: Verb = {
  usage,
  summary: 'the private Docker engine of this user',
  details:
    'Linux, as root. The next start after stop starts all containers again; clean deletes the engine with its images and containers; the directories of the instances stay.',
  options: { yes: { type: 'boolean', short: 'y' } },
  optionHelp: { yes: 'required by clean' },
  words: [1, 1],
  async run({ words, options, progress }) {
    const place = { ...sandboxPlace(), progress };
    switch (words[0]) {
      case 'start':
        await startSandbox(place);
        return showStatus();
      case 'status':
        return showStatus();
      case 'stop':
        await stopSandbox(place);
        print('stopped; its data is kept');
        return 0;
      case 'clean':
        if (options.yes !== true) {
          throw new UserError(
            'E_NOT_CONFIRMED',
            'sandbox clean: would delete the engine with its images, containers and volumes; nothing was changed',
            'Run ./gatewayctl sandbox clean --yes.',
          );
        }
        await cleanSandbox(place);
        print('deleted; the directories of its instances are kept');
        return 0;
      default:
        throw new UserError(
          'E_USAGE',
          `sandbox: no such command (got ${words[0]})`,
          `Usage: ./gatewayctl sandbox ${usage}`,
        );
    }
  },
};

async function showStatus(): Promise<number> {
  const found = await sandboxStatus(sandboxPlace());
  if (found === undefined) {
    print('not running');
    return 0;
  }
  print(`running: pid ${found.pid}, DOCKER_HOST=${found.dockerHost}, instances in ${found.instancesDir}`);
  return 0;
}
