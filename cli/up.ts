import { breakingMigrationAllowed } from '../settings/breaking-migration.ts';
import { UserError } from '../settings/errors.ts';
import type { Instance } from '../settings/instance.ts';
import { loadSettings } from '../settings/load.ts';
import { readRotation } from '../settings/rotation.ts';
import { rememberEngine } from './engine.ts';
import { pruneImages } from './image-pruning.ts';
import { note, type Progress, print, table } from './output.ts';
import { ProcessError } from './process.ts';
import { watchPorts } from './silence.ts';
import { readOutputs, runPulumi, type Stack, type StackOutputs } from './stack.ts';
import { changingVerb } from './stack-verb.ts';
import { statusTable } from './status.ts';
import type { Verb } from './verb.ts';
import { waitUntilReady } from './verify.ts';

const deploy = changingVerb(
  'up',
  {
    summary: 'deploy, and show what runs where',
    details:
      'Brings all that it needs. Where nothing changed it changes nothing; what was changed by hand it repairs. On a machine without a Docker daemon, dev (or, with --sandbox, any environment that never ran here) gets an engine of its own.',
  },
  async (prepared, { options, progress }) => {
    const isBreakingAllowed = options['allow-breaking-migration'] === true;
    const stack = isBreakingAllowed
      ? { ...prepared, exports: { ...prepared.exports, ...breakingMigrationAllowed } }
      : prepared;
    refuseOpenRotation(stack.instance);
    return deployStack(stack, progress);
  },
);

/**
 * Runs `pulumi up`, looks at every service's health and prints what runs where, and for how long ports were silent.
 * @returns the exit code
 */
export async function deployStack(stack: Stack, progress: Progress): Promise<number> {
  const settings = loadSettings(stack.instance, stack.checkoutDir);
  const stopWatch = watchPorts(settings);
  try {
    if ((await runDeploy(stack)) !== 0) {
      note(`\nup ${settings.env}: did not come to its end; what was done stays. Mend what stands above, if anything does.
Then run ./gatewayctl up ${settings.env}: it mends what was left, and goes on.`);
      return 1;
    }
    await rememberEngine(stack.instance, stack.engine);
    const rows = await waitUntilReady({ dockerHost: stack.engine.dockerHost, settings }, progress);
    print(`\n${statusTable(rows)}\n\n${outputsTable(await readOutputs(stack))}\n`);
    for (const line of await pruneImages(stack.engine.dockerHost, settings)) note(line);
    return 0;
  } finally {
    for (const line of await stopWatch()) print(line);
  }
}

/** @throws UserError E_STOPPED where a signal ended Pulumi before it could say anything */
async function runDeploy(stack: Stack): Promise<number> {
  try {
    return await runPulumi(stack, ['up', '--yes', '--skip-preview', '--suppress-outputs']);
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    const { env } = stack.instance;
    throw new UserError(
      'E_STOPPED',
      `up ${env}: pulumi was ended from outside before it was done`,
      `Run ./gatewayctl up ${env}: it mends what was left, and goes on.`,
      { cause },
    );
  }
}

function refuseOpenRotation(instance: Instance): void {
  const open = readRotation(instance);
  if (open === undefined) return;
  throw new UserError(
    'E_ROTATION_OPEN',
    `up: the rotation of ${open.variable} is not finished; a deploy now could start services with its old value`,
    `Run ./gatewayctl rotate ${instance.env} ${open.variable}: it goes on where it stopped, and deploys.`,
  );
}

export const up: Verb = {
  ...deploy,
  usage: `${deploy.usage} [--allow-breaking-migration]`,
  options: { ...deploy.options, 'allow-breaking-migration': { type: 'boolean' } },
};

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
