import type { DockerClient } from '../../docker/client.ts';
import { dataPath } from '../../docker/data-volume.ts';
import { containerName, environmentLabel, networkName } from '../../docker/names.ts';
import { UserError } from '../../host/errors.ts';
import { secretsPath } from '../../instance/secret-files.ts';
import { isBreakingMigrationAllowed } from '../../settings/deploy-flags.ts';
import type { Settings } from '../../settings/load.ts';
import { userOf } from '../../settings/services.ts';
import { gatewayEnvironment, rawDir } from '../services/gateway.ts';
import type { GatewayStep, HostStepOf } from './step.ts';

export const stepContainerName = (settings: Settings, step: GatewayStep) =>
  `${containerName(settings, 'gateway')}-${step}`;

/**
 * Arguments of `docker` for one run of a new gateway image: with the settings, network, secrets and data of the deployed
 * container, but without a port.
 */
export function gatewayStepArgs(
  settings: Settings,
  step: GatewayStep,
  imageId: string,
  isBreakingAllowed = false,
): readonly string[] {
  const bind = (source: string, target: string, ...more: string[]) => [
    '--mount',
    [`type=bind,source=${source},target=${target}`, ...more].join(','),
  ];
  return [
    ...['run', '--rm', '--name', stepContainerName(settings, step)],
    ...['--label', `${environmentLabel}=${settings.env}`, '--label', `taxlien-gateway.step=${step}`],
    ...['--network', networkName(settings), '--read-only', '--no-healthcheck'],
    ...['--security-opt', 'no-new-privileges', '--cap-drop', 'ALL', '--user', userOf('gateway')],
    ...['--memory', `${settings.memoryMiB.gateway}m`, '--memory-swap', `${settings.memoryMiB.gateway}m`],
    ...Object.entries(gatewayEnvironment(settings)).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...(isBreakingAllowed ? ['--env', 'ALLOW_BREAKING_MIGRATION=true'] : []),
    ...bind(secretsPath(settings.instance, 'gateway'), '/run/secrets', 'readonly'),
    ...bind(dataPath(settings, 'raw'), rawDir),
    ...[imageId, step],
  ];
}

// Longer than the five minutes that a selfcheck gives its migrations.
const selfcheckTimeoutMs = 420_000;

export async function runGatewayStep(
  settings: Settings,
  docker: DockerClient,
  { step, imageId }: HostStepOf<GatewayStep>,
): Promise<void> {
  // A container that a killed deploy left has the same name and may still run.
  const remove = () => docker.call(['rm', '--force', stepContainerName(settings, step)], { allowedExitCodes: 'any' });
  await remove();
  const args = gatewayStepArgs(settings, step, imageId, isBreakingMigrationAllowed());
  // The time of a migration depends on the data.
  const timeoutMs = step === 'selfcheck' ? selfcheckTimeoutMs : 'unlimited';
  const result = await docker.call(args, { allowedExitCodes: 'any', timeoutMs }).finally(remove);
  if (result.exitCode === 0) return;
  const lastLines = `${result.stdout}${result.stderr}`.trim().split('\n').slice(-20).join('\n');
  const limit = `${settings.memoryMiB.gateway} MiB, GATEWAY_MEMORY_MIB`;
  const reason =
    result.exitCode === 137 ? `exit 137: killed, most likely out of memory (${limit})` : `exit ${result.exitCode}`;
  throw new UserError(
    'E_GATEWAY_STEP',
    `${settings.env}: the new gateway failed its ${step} (${reason}); its last lines:\n${lastLines || 'none'}`,
    'The running gateway was not touched. Fix the error in these lines, then deploy again.',
  );
}
