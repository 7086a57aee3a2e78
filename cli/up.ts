import { loadSettings } from '../settings/load.ts';
import { print, table } from './output.ts';
import { readOutputs, runPulumi, type StackOutputs } from './stack.ts';
import { stackVerb } from './stack-verb.ts';
import { statusTable } from './status.ts';
import { waitUntilReady } from './verify.ts';

export const up = stackVerb(
  {
    summary: 'deploy, and show what runs where',
    details:
      'Brings all that it needs. Where nothing changed it changes nothing; what was changed by hand it repairs. On a machine without a Docker daemon, dev (or, with --sandbox, any environment that never ran here) gets an engine of its own.',
    areSettingsNeeded: true,
  },
  async (stack, { progress }) => {
    const settings = loadSettings(stack.instance, stack.checkoutDir);
    if ((await runPulumi(stack, ['up', '--yes', '--skip-preview', '--suppress-outputs'])) !== 0) return 1;
    const rows = await waitUntilReady({ dockerHost: stack.engine.dockerHost, settings }, progress);
    print(`\n${statusTable(rows)}\n\n${outputsTable(await readOutputs(stack))}`);
    return 0;
  },
);

/** The outputs that a person looks for; container and image ids are left to `pulumi stack output`. */
export function outputsTable({ commit, network, urls, volumes }: StackOutputs): string {
  return table([
    ['OUTPUT', 'VALUE'],
    ['commit', commit],
    ['network', network],
    ...Object.entries(urls).map(([service, url]) => [`urls.${service}`, url]),
    ...Object.entries(volumes).map(([volume, { name, hostPath }]) => [`volumes.${volume}`, `${name} at ${hostPath}`]),
  ]);
}
