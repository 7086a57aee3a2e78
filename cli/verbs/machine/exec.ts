import { join } from 'node:path';
import { childEnvironment, pathWith } from '../../../host/environment.ts';
import { checkoutDir } from '../../../host/git.ts';
import { run } from '../../../host/process.ts';
import type { Verb } from '../verb.ts';

export const exec: Verb = {
  usage: '-- <command>...',
  summary: 'run a command with Node 24 and the packages',
  details: 'For example: ./gatewayctl exec -- npm run check.',
  words: [1, Number.POSITIVE_INFINITY],
  async run({ words }) {
    const env = childEnvironment({ PATH: pathWith(join(checkoutDir, 'node_modules', '.bin')) });
    return (await run(words, { cwd: checkoutDir, env, stdio: 'inherit', allowedExitCodes: 'any' })).exitCode;
  },
};
