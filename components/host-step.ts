import { join } from 'node:path';
import { dataVolumes } from '../docker/names.ts';
import { UserError } from '../host/errors.ts';
import { run } from '../host/process.ts';
import { currentMarker, imageMajorOf, writeMarker } from '../instance/data-markers.ts';
import { writeHostPathsId } from '../instance/host-paths.ts';
import { type SecretGenerations, secretServices } from '../instance/secret-files.ts';
import { isBreakingMigrationAllowed } from '../settings/deploy-flags.ts';
import { currentInstance, services } from '../settings/instance.ts';
import { loadSettings, type Settings } from '../settings/load.ts';
import { type GatewayStep, gatewayStepCommand, gatewaySteps, stepContainerName } from './services/gateway.ts';
import { copyConfigFiles } from './steps/config-files.ts';
import { waitUntilHealthy } from './steps/container-health.ts';
import { writeOwnedPaths } from './steps/host-paths.ts';

// What a local.Command of the program runs: `node components/host-step.ts <env> <step> <argument>...`.
// It reads the settings itself, so that no secret is an argument, an environment value or a part of the state.

async function main(argv: readonly string[]): Promise<void> {
  const [env, step, ...rest] = argv;
  const settings = loadSettings(currentInstance(env), process.cwd());
  if (step === 'host-paths') {
    const [imageId = '', id = '', ...more] = rest;
    const generations = Object.fromEntries(secretServices.map((service, index) => [service, more[index] ?? '']));
    for (const source of more.slice(secretServices.length)) await copyConfigFiles(settings, source);
    await writeOwnedPaths(settings, imageId, generations as SecretGenerations);
    writeHostPathsId(settings.instance, id);
    return;
  }
  if (step === 'data-markers') {
    for (const volume of dataVolumes) {
      const marker = currentMarker(settings.instance, join(settings.dataDir, volume), imageMajorOf(volume));
      writeMarker(settings.instance, volume, marker);
    }
    return;
  }
  if (step === 'healthy') {
    const [name, containerId = '', limitSeconds] = rest;
    const service = services.find((known) => known === name);
    if (service === undefined) throw new TypeError(`host-step: no service ${name}`);
    await waitUntilHealthy(settings, service, containerId, Number(limitSeconds));
    return;
  }
  const gatewayStep = gatewaySteps.find((name) => name === step);
  if (gatewayStep === undefined) throw new TypeError(`host-step: no step ${step}`);
  await runGatewayStep(settings, gatewayStep, rest[0] ?? '');
}

// Longer than the five minutes that a selfcheck gives its migrations.
const stepTimeoutMs = 420_000;

async function runGatewayStep(settings: Settings, step: GatewayStep, imageId: string): Promise<void> {
  // What a killed deploy left has the name, and could still be at work.
  const remove = () => run(['docker', 'rm', '--force', stepContainerName(settings, step)], { allowedExitCodes: 'any' });
  await remove();
  const command = gatewayStepCommand(settings, step, imageId, isBreakingMigrationAllowed());
  const result = await run(command, {
    allowedExitCodes: 'any',
    // A migration takes the time that it takes.
    ...(step === 'selfcheck' ? { timeoutMs: stepTimeoutMs } : {}),
  }).finally(remove);
  if (result.exitCode === 0) return;
  const lastLines = `${result.stdout}${result.stderr}`.trim().split('\n').slice(-20).join('\n');
  const limit = `${settings.memoryMiB.gateway} MiB, GATEWAY_MEMORY_MIB`;
  const reason =
    result.exitCode === 137 ? `exit 137: killed, most likely out of memory (${limit})` : `exit ${result.exitCode}`;
  throw new UserError(
    'E_GATEWAY_STEP',
    `${settings.env}: the new gateway failed its ${step} (${reason}); its last lines:\n${lastLines || 'none'}`,
    'The running gateway was not touched. Mend what the lines name, then deploy again.',
  );
}

// Plain `pulumi up` hands on its caller's.
process.umask(0o022);
try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(error instanceof UserError ? `${error.message}\n${error.fix}\n` : `${(error as Error).stack}\n`);
  process.exitCode = 1;
}
