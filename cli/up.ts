import { loadSettings } from '../settings/load.ts';
import { print } from './output.ts';
import { runPulumi } from './stack.ts';
import { stackVerb } from './stack-verb.ts';
import { statusTable } from './status.ts';
import { waitUntilReady } from './verify.ts';

export const up = stackVerb(
  'Deploys an environment and shows what runs where. Brings all that it needs; where nothing changed, changes nothing.',
  async (stack, { progress }) => {
    const settings = loadSettings(stack.instance, stack.checkoutDir);
    if ((await runPulumi(stack, ['up', '--yes', '--skip-preview'])) !== 0) return 1;
    const rows = await waitUntilReady({ dockerHost: stack.engine.dockerHost, settings }, progress);
    print(`\n${statusTable(rows)}`);
    return 0;
  },
);
