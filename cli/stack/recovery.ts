import { stepContainerName } from '../../components/steps/gateway-step.ts';
import { gatewaySteps } from '../../components/steps/step.ts';
import type { DockerClient } from '../../docker/client.ts';
import { environmentLabel, networkName } from '../../docker/names.ts';
import { childEnvironment } from '../../host/environment.ts';
import type { Progress } from '../../host/output.ts';
import type { Settings } from '../../settings/load.ts';
import { endLostProxies } from './lost-proxies.ts';
import { restoreVolumes } from './lost-volumes.ts';
import { clearDeadLocks } from './pulumi-locks.ts';
import { endLeftovers, runPulumiProcess } from './run-pulumi.ts';
import type { Stack } from './stack.ts';
import { checkpointFile, readCheckpoint, type StateResource } from './state-files.ts';

/**
 * Mends what a killed run left: a lock of a dead process, pending operations, containers and networks that no state
 * knows, and what Pulumi does not see: containers that are paused or cut off from their network. Does nothing where
 * nothing was left; touches nothing without this instance's labels.
 * @returns one line for each thing that was mended
 * @throws UserError E_STATE_LOCKED where a living process holds the state
 */
export async function recoverStack(
  stack: Stack,
  settings: Settings | undefined,
  progress: Progress,
): Promise<readonly string[]> {
  const { instance } = stack;
  const done = await clearDeadLocks(instance, progress);
  const leftovers = await endLeftovers(instance);
  if (leftovers > 0) done.push(`ended ${leftovers} processes of a deploy that was killed`);
  const { resources = [], pending_operations: pending = [] } =
    readCheckpoint(checkpointFile(instance))?.checkpoint.latest ?? {};
  // undefined if .env is invalid: the names are then unknown.
  if (settings !== undefined) {
    done.push(...(await removeOrphans(stack, settings, resources)), ...(await endLostProxies(stack, settings)));
    done.push(...(await restoreVolumes(stack, settings, resources)));
  }
  if (pending.length > 0) {
    const args = ['refresh', '--yes', '--skip-preview', '--clear-pending-creates', '--non-interactive'];
    await runPulumiProcess(args, { cwd: stack.checkoutDir, env: childEnvironment(stack.exports) });
    done.push(`cleared ${pending.length} operations that a killed run left pending`);
  }
  return done;
}

async function removeOrphans(
  { engine: { docker } }: Stack,
  settings: Settings,
  resources: readonly StateResource[],
): Promise<readonly string[]> {
  const known = new Set(resources.map(({ id }) => id));
  const ours = [`label=com.docker.compose.project=${settings.project}`, `label=${environmentLabel}=${settings.env}`];
  const there = await docker.ps(ours);
  const containers = there.filter((id) => !known.has(id));
  // The steps before the swap have names too, which a killed run may leave taken.
  const stepIds = await docker.ps(gatewaySteps.map((step) => `name=^/${stepContainerName(settings, step)}$`));
  const listNetworks = ['network', 'ls', '--no-trunc', '--quiet', ...ours.flatMap((filter) => ['--filter', filter])];
  const networks = (await docker.lines(listNetworks)).filter((id) => !known.has(id));
  // Pulumi does not look at what a container hangs on.
  const attached = await docker.ps([`network=${networkName(settings)}`, ...ours]);
  const cutOff = there.filter((id) => known.has(id) && !attached.includes(id));
  if (cutOff.length > 0) await docker.call(['rm', '--force', ...cutOff]);
  const orphans = [...containers, ...stepIds];
  if (orphans.length > 0) await docker.call(['rm', '--force', ...orphans]);
  for (const id of networks) await removeNetwork(docker, id);
  const paused = await docker.ps(['status=paused', ...ours]);
  if (paused.length > 0) await docker.call(['unpause', ...paused]);
  const why = isOlder(resources, containers, there) ? 'the state is older than what runs: ' : '';
  return [
    ...(orphans.length > 0 ? [`${why}removed ${orphans.length} containers that the state does not know`] : []),
    ...(cutOff.length > 0 ? [`removed ${cutOff.length} containers that were cut off from their network`] : []),
    ...(networks.length > 0 ? [`${why}removed network ${networkName(settings)}, which the state does not know`] : []),
    ...(paused.length > 0 ? [`let ${paused.length} paused containers go on`] : []),
  ];
}

/** Whether containers stand in the place of such that the state knows, and that are gone. */
function isOlder(resources: readonly StateResource[], unknown: readonly string[], there: readonly string[]): boolean {
  const known = resources.filter(({ type }) => type === 'docker:index/container:Container');
  return unknown.length > 0 && known.some(({ id }) => id !== undefined && !there.includes(id));
}

/** Containers that the state knows may hang on a network that it lost: they are replaced with it. */
async function removeNetwork(docker: DockerClient, id: string): Promise<void> {
  for (const holder of await docker.ps([`network=${id}`])) {
    await docker.call(['network', 'disconnect', '--force', id, holder]);
  }
  await docker.call(['network', 'rm', id]);
}
