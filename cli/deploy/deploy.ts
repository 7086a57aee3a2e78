import { resourceName } from '../../components/resource-names.ts';
import type { DockerClient } from '../../docker/client.ts';
import { pruneImages } from '../../docker/images/pruning.ts';
import { readStatus, statusTable } from '../../docker/status.ts';
import { ifRefused, isRefusal, UserError } from '../../host/errors.ts';
import { note, type Progress, print, table } from '../../host/output.ts';
import { ProcessError } from '../../host/process.ts';
import { endRotation, readRotation } from '../../instance/rotation-journal.ts';
import { loadSettings, type Settings } from '../../settings/load.ts';
import { rememberEngine } from '../stack/engine.ts';
import { type PulumiReport, runPulumiReporting } from '../stack/events.ts';
import { endLeftovers, readOutputs, type StackOutputs } from '../stack/run-pulumi.ts';
import type { Stack, StackWithSettings } from '../stack/stack.ts';
import { downtimeLines, watchPorts } from './downtime.ts';
import { waitUntilReady } from './ready.ts';
import { beginRecord, phaseOf } from './record.ts';
import { changeSecret } from './rotation.ts';

/**
 * Continues a rotation that was interrupted, runs `pulumi up`, checks the health of every service, prints what runs where
 * and the downtime of each port, and records all of it in the instance.
 * @param run names the record: the value of `up --run`
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
    const { exitCode, report } = await untilStopped(stack, () =>
      runPulumiReporting(stack, ['up', '--yes', '--skip-preview', '--suppress-outputs']),
    );
    recording.report(report);
    if (exitCode !== 0) {
      const buildOutput = await buildOutputOf(report, stack, settings);
      recording.failed(
        phaseOf(report),
        [...report.errors, ...buildOutput].join('\n\n') || `pulumi ended with exit ${exitCode}; its log says why`,
      );
      for (const text of buildOutput) note(`\n${text}`);
      const { text } = new UserError(
        'E_PULUMI',
        `up ${settings.env}: failed; nothing was rolled back`,
        `Fix the errors above, then run ./gatewayctl up ${settings.env}: it repairs what was left, and continues.`,
      );
      note(`\n${text}`);
      return 1;
    }
    phase = 'check every service';
    await rememberEngine(instance, engine);
    const rows = await waitUntilReady({ docker: engine.docker, settings }, progress);
    const outputs = await untilStopped(stack, () => readOutputs(stack));
    recording.commit(outputs.commit);
    print(`\n${statusTable(rows)}\n\n${outputsTable(outputs)}\n`);
    if (rotation !== undefined) endRotation(instance);
    await reportPruning(engine.docker, settings);
    return 0;
  } catch (error) {
    recording.failedBy(phase, error as Error);
    throw error;
  } finally {
    const downtime = await stopWatch();
    for (const line of downtimeLines(downtime)) print(line);
    // If the daemon is gone, the deploy has failed already; this error would hide the cause.
    recording.end(downtime, await readStatus(engine.docker, settings).catch(ifRefused([])));
  }
}

/** Removes images of earlier deploys. A failure is reported and does not fail the deploy. */
async function reportPruning(docker: DockerClient, settings: Settings): Promise<void> {
  try {
    for (const line of await pruneImages(docker, settings)) note(line);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    note(error.text);
  }
}

/** What the gateway's failed build printed; empty if it did not fail, or if it cannot be repeated. */
async function buildOutputOf(
  { failed }: PulumiReport,
  { engine }: Stack,
  settings: Settings,
): Promise<readonly string[]> {
  if (!failed.includes(resourceName.image('gateway'))) return [];
  // Imported here because it is slow to load and every verb loads this file.
  const { failedBuildOutput } = await import('./build-output.ts');
  // The failure itself has been reported: an error here is ignored.
  const output = await failedBuildOutput(engine.docker.host, settings).catch(() => '');
  return output === '' ? [] : [`The gateway's build printed:\n${output}`];
}

/** @throws UserError E_STOPPED if a signal killed Pulumi */
async function untilStopped<T>(stack: Stack, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof ProcessError && cause.isKilled)) throw cause;
    await endLeftovers(stack.instance);
    const { env } = stack.instance;
    throw new UserError(
      'E_STOPPED',
      `up ${env}: pulumi was killed before it finished`,
      `Run ./gatewayctl up ${env}: it repairs what was left, and continues.`,
      { cause },
    );
  }
}

/** The outputs for a person; container and image ids are in `pulumi stack output`. */
export function outputsTable({ commit, network, urls, volumes }: StackOutputs): string {
  return table([
    ['OUTPUT', 'VALUE'],
    ['commit', commit],
    ['network', network],
    ...Object.entries(urls).map(([service, url]) => [`urls.${service}`, url]),
    ...Object.entries(volumes).map(([volume, { name, hostPath }]) => [`volumes.${volume}`, `${name} at ${hostPath}`]),
  ]);
}
