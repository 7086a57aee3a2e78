import { join } from 'node:path';
import { imageMajorOf } from '../docker/images.ts';
import { UserError } from '../host/errors.ts';
import { currentMarker, writeMarker } from '../instance/data-markers.ts';
import { writeHostPathsId } from '../instance/host-paths.ts';
import { type SecretGenerations, secretServices } from '../instance/secret-files.ts';
import { currentInstance } from '../settings/instance.ts';
import { loadSettings } from '../settings/load.ts';
import { dataVolumes, services } from '../settings/services.ts';
import { copyConfigFiles } from './steps/config-files.ts';
import { waitUntilHealthy } from './steps/container-health.ts';
import { gatewaySteps, runGatewayStep } from './steps/gateway-step.ts';
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

// Plain `pulumi up` hands on its caller's.
process.umask(0o022);
try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof UserError ? error.text : (error as Error).stack}\n`);
  process.exitCode = 1;
}
