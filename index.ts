import * as pulumi from '@pulumi/pulumi';
import { GatewayStack } from './components/gateway-stack.ts';
import { stackName } from './components/resource-names.ts';
import { DockerClient } from './docker/client.ts';
import { dataPath } from './docker/data-volume.ts';
import { resolveDockerHost } from './docker/host.ts';
import { findingText, UserError } from './host/errors.ts';
import { readSource } from './host/git.ts';
import { hostPathsId } from './instance/host-paths.ts';
import { secretGenerations } from './instance/secret-files.ts';
import { preflightWarnings } from './preflight/checks.ts';
import { currentInstance } from './settings/instance.ts';
import { loadSettings } from './settings/load.ts';
import { dataVolumes } from './settings/services.ts';

async function deploy(): Promise<GatewayStack> {
  const settings = loadSettings(currentInstance(pulumi.getStack()), import.meta.dirname);
  const source = await readSource(settings.checkoutDir);
  const docker = new DockerClient(await resolveDockerHost());
  for (const warning of await preflightWarnings({ settings, source, docker }))
    await pulumi.log.warn(findingText(warning));
  const { instance, secrets } = settings;
  return new GatewayStack(stackName, {
    settings,
    source,
    secretGenerations: secretGenerations(instance, secrets),
    hostPathsId: hostPathsId(
      instance,
      dataVolumes.map((volume) => dataPath(settings, volume)),
    ),
  });
}

const stack = await deploy().catch((error: unknown) => {
  // A RunError is shown without a stack trace: the user can fix it.
  throw error instanceof UserError ? new pulumi.RunError(error.text) : error;
});

export const { urls, images, containers, network, volumes, commit } = stack;
