import { resourceName } from '../../components/resource-names.ts';
import { pruneImages } from '../../docker/images/pruning.ts';
import { readStatus, statusTable } from '../../docker/status.ts';
import { ifRefused, UserError } from '../../host/errors.ts';
import { note, type Progress, print, table } from '../../host/output.ts';
import { ProcessError } from '../../host/process.ts';
import { endRotation, readRotation } from '../../instance/rotation-journal.ts';
import { loadSettings, type Settings } from '../../settings/load.ts';
import { rememberEngine } from '../stack/engine.ts';
import { runPulumiTelling, type Told } from '../stack/events.ts';
import { endLeftovers, readOutputs, type StackOutputs } from '../stack/run-pulumi.ts';
import type { Stack, StackWithSettings } from '../stack/stack.ts';
import { downtimeLines, watchPorts } from './downtime.ts';
import { waitUntilReady } from './ready.ts';
import { beginRecord, phaseOf } from './record.ts';
import { changeSecret } from './rotation.ts';

/**
 * Goes on with a rotation that has begun, runs `pulumi up`, looks at every service's health, prints what runs where and
 * for how long ports were down, and records all of it in the instance.
 * @param run what the record shall be found by
 * @returns the exit code
 */
export async function deployStack(stack: StackWithSettings, progress: Progress, run = ''): Promise<number> {
  const { instance, engine } = stack;
  const rotation = readRotation(instance);
  if (rotation !== undefined) await changeSecret(stack, rotation);
  // A rotation has changed the .env.
  const settings = rotation === undefined ? stack.settings : loadSettings(instance, stack.checkoutDir);
  const recording = await beginRecord(instance, run);
  const stopWatch = watchPorts(settings);
  let phase = 'run pulumi';
  try {
    const { exitCode, told } = await untilStopped(stack, () =>
      runPulumiTelling(stack, ['up', '--yes', '--skip-preview', '--suppress-outputs']),
    );
    recording.told(told);
    if (exitCode !== 0) {
      const said = await buildOutputOf(told, stack, settings);
      recording.failed(
        phaseOf(told),
        [...told.errors, ...said].join('\n\n') || `pulumi ended with exit ${exitCode}; its log says why`,
      );
      for (const text of said) note(`\n${text}`);
      const { text } = new UserError(
        'E_PULUMI',
        `up ${settings.env}: failed; nothing was rolled back`,
        `Fix the errors above, then run ./gatewayctl up ${settings.env}: it repairs what was left, and continues.`,
      );
      note(`\n${text}`);
      return 1;
    }
    phase = 'look at every service';
    await rememberEngine(instance, engine);
    const rows = await waitUntilReady({ docker: engine.docker, settings }, progress);
    const outputs = await untilStopped(stack, () => readOutputs(stack));
    recording.commit(outputs.commit);
    print(`\n${statusTable(rows)}\n\n${outputsTable(outputs)}\n`);
    if (rotation !== undefined) endRotation(instance);
    for (const line of await pruneImages(engine.docker, settings)) note(line);
    return 0;
  } catch (error) {
    recording.failedBy(phase, error as Error);
    throw error;
  } finally {
    const downtime = await stopWatch();
    for (const line of downtimeLines(downtime)) print(line);
    // A daemon that went away has failed the deploy already; its answer would only hide why.
    recording.end(downtime, await readStatus(engine.docker, settings).catch(ifRefused([])));
  }
}

/** What the gateway's build printed where it failed; none where it did not, or where it cannot be asked again. */
async function buildOutputOf({ failed }: Told, { engine }: Stack, settings: Settings): Promise<readonly string[]> {
  if (!failed.includes(resourceName.image('gateway'))) return [];
  // Only here: it takes time to load, and every verb loads this file.
  const { failedBuildOutput } = await import('./build-output.ts');
  // Whatever it ends with: the failure itself has been told.
  const output = await failedBuildOutput(engine.docker.host, settings).catch(() => '');
  return output === '' ? [] : [`The gateway's build printed:\n${output}`];
}

/** @throws UserError E_STOPPED where a signal ended Pulumi before it could say anything */
async function untilStopped<T>(stack: Stack, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof ProcessError && cause.isKilled)) throw cause;
    await endLeftovers(stack.instance);
    const { env } = stack.instance;
    throw new UserError(
      'E_STOPPED',
      `up ${env}: pulumi was ended from outside before it was done`,
      `Run ./gatewayctl up ${env}: it mends what was left, and goes on.`,
      { cause },
    );
  }
}

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
