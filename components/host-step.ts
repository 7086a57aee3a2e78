import { join } from 'node:path';
import { DockerClient } from '../docker/client.ts';
import { resolveDockerHost } from '../docker/host.ts';
import { imageMajorOf } from '../docker/images/pins.ts';
import { UserError } from '../host/errors.ts';
import { currentMarker, writeMarker } from '../instance/data-markers.ts';
import { currentInstance } from '../settings/instance.ts';
import { loadSettings, type Settings } from '../settings/load.ts';
import { dataVolumes } from '../settings/services.ts';
import { waitUntilHealthy } from './steps/container-health.ts';
import { runGatewayStep } from './steps/gateway-step.ts';
import { makeHostPaths } from './steps/host-paths.ts';
import { type HostStep, hostStepSchema } from './steps/step.ts';

// Entry point of the local.Command resources: `node components/host-step.ts <step as JSON>`.
// It reads the settings itself, so that no secret is in its arguments, its environment or the state.

async function run(step: HostStep, settings: Settings, docker: DockerClient): Promise<void> {
  switch (step.step) {
    case 'host-paths':
      return makeHostPaths(settings, docker, step);
    case 'selfcheck':
    case 'migrate':
      return runGatewayStep(settings, docker, step);
    case 'healthy':
      return waitUntilHealthy(settings, docker, step);
    case 'data-markers':
      return writeDataMarkers(settings);
  }
}

/** Records which instance owns each data directory. */
function writeDataMarkers({ instance, dataDir }: Settings): void {
  for (const volume of dataVolumes) {
    writeMarker(instance, volume, currentMarker(instance, join(dataDir, volume), imageMajorOf(volume)));
  }
}

// Plain `pulumi up` passes on its caller's umask.
process.umask(0o022);
try {
  const step = hostStepSchema.parse(JSON.parse(process.argv[2] ?? ''));
  const settings = loadSettings(currentInstance(step.env), process.cwd());
  await run(step, settings, new DockerClient(await resolveDockerHost()));
} catch (error) {
  process.stderr.write(`${error instanceof UserError ? error.text : (error as Error).stack}\n`);
  process.exitCode = 1;
}
