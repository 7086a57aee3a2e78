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
 * Repairs what a killed run left: locks of dead processes, pending operations, containers and networks that are not in
 * the state, and what Pulumi does not see: containers that are paused or disconnected from their network. Touches
 * nothing without this instance's labels.
 * @returns one line for each repair
 * @throws UserError E_STATE_LOCKED if a running process holds the lock
 */
export async function recoverStack(
  stack: Stack,
  settings: Settings | undefined,
  progress: Progress,
): Promise<readonly string[]> {
  const { instance } = stack;
  const done = await clearDeadLocks(instance, progress);
  const leftovers = await endLeftovers(instance);
  if (leftovers > 0) done.push(`killed ${leftovers} processes that a killed deploy left running`);
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
  // A killed run may leave the containers of the steps before the swap.
  const stepIds = await docker.ps(gatewaySteps.map((step) => `name=^/${stepContainerName(settings, step)}$`));
  const listNetworks = ['network', 'ls', '--no-trunc', '--quiet', ...ours.flatMap((filter) => ['--filter', filter])];
  const networks = (await docker.lines(listNetworks)).filter((id) => !known.has(id));
  // Pulumi does not check whether a container is connected to its network.
  const attached = await docker.ps([`network=${networkName(settings)}`, ...ours]);
  const cutOff = there.filter((id) => known.has(id) && !attached.includes(id));
  if (cutOff.length > 0) await docker.call(['rm', '--force', ...cutOff]);
  const orphans = [...containers, ...stepIds];
  if (orphans.length > 0) await docker.call(['rm', '--force', ...orphans]);
  for (const id of networks) await removeNetwork(docker, id);
  const paused = await docker.ps(['status=paused', ...ours]);
  if (paused.length > 0) await docker.call(['unpause', ...paused]);
  const why = isOlder(resources, containers, there) ? 'the state is older than the running containers: ' : '';
  return [
    ...(orphans.length > 0 ? [`${why}removed ${orphans.length} containers that are not in the state`] : []),
    ...(cutOff.length > 0 ? [`removed ${cutOff.length} containers that were disconnected from their network`] : []),
    ...(networks.length > 0 ? [`${why}removed network ${networkName(settings)}, which is not in the state`] : []),
    ...(paused.length > 0 ? [`unpaused ${paused.length} containers`] : []),
  ];
}

/** Whether unknown containers exist while containers of the state are missing. */
function isOlder(resources: readonly StateResource[], unknown: readonly string[], there: readonly string[]): boolean {
  const known = resources.filter(({ type }) => type === 'docker:index/container:Container');
  return unknown.length > 0 && known.some(({ id }) => id !== undefined && !there.includes(id));
}

/** Containers in the state may be connected to a network that is not: they are replaced together with it. */
async function removeNetwork(docker: DockerClient, id: string): Promise<void> {
  for (const holder of await docker.ps([`network=${id}`])) {
    await docker.call(['network', 'disconnect', '--force', id, holder]);
  }
  await docker.call(['network', 'rm', id]);
}
