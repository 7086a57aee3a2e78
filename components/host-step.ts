import { join } from 'node:path';
import { run } from '../cli/process.ts';
import { currentMarker, imageMajorOf, writeMarker } from '../preflight/data-markers.ts';
import { UserError } from '../settings/errors.ts';
import { writeHostPathsId } from '../settings/host-paths.ts';
import { currentInstance, services } from '../settings/instance.ts';
import { loadSettings } from '../settings/load.ts';
import { dataVolumes } from '../settings/names.ts';
import { type SecretGenerations, secretServices } from '../settings/secret-files.ts';
import { copyConfigFiles } from './config-files.ts';
import { waitUntilHealthy } from './container-health.ts';
import { writeOwnedPaths } from './owned-paths.ts';
import { gatewayStepCommand, gatewaySteps } from './services/gateway.ts';

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
  const result = await run(gatewayStepCommand(settings, gatewayStep, rest[0] ?? ''), { allowedExitCodes: 'any' });
  const lastLines = `${result.stdout}${result.stderr}`.trim().split('\n').slice(-20).join('\n');
  if (result.exitCode === 0) return;
  throw new UserError(
    'E_GATEWAY_STEP',
    `${settings.env}: the new gateway failed its ${gatewayStep} (exit ${result.exitCode}); its last lines:\n${lastLines}`,
    'The running gateway was not touched. Mend what the lines name, then deploy again.',
  );
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(error instanceof UserError ? `${error.message}\n${error.fix}\n` : `${(error as Error).stack}\n`);
  process.exitCode = 1;
}
