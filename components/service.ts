import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { containerName, secretsLabel, serviceLabels, toLabelList } from '../docker/names.ts';
import type { Settings } from '../settings/load.ts';
import type { DataVolumeName } from '../settings/services.ts';
import { hostCommand } from './host-command.ts';
import { resourceName, stackName } from './resource-names.ts';
import type { ServiceSpec } from './services/spec.ts';

/** A spec, and values from other resources. */
export interface ServiceArgs {
  readonly settings: Settings;
  readonly spec: ServiceSpec;
  /** Image id, `sha256:...`. */
  readonly image: pulumi.Input<string>;
  readonly networkName: pulumi.Input<string>;
  /** Name of the Docker volume of each data directory. */
  readonly volumeNames: Readonly<Record<DataVolumeName, pulumi.Input<string>>>;
  /** Host directories that are mounted read-only, `/run/secrets` and config files among them. */
  readonly readOnlyMounts: readonly { readonly hostPath: string; readonly mountedAt: string }[];
  /** Generation of the secret files; a new one replaces the container. */
  readonly secretsGeneration?: string;
}

/** One container with every safe default. */
export class Service extends pulumi.ComponentResource {
  readonly containerName: pulumi.Output<string>;
  readonly containerId: pulumi.Output<string>;

  constructor(name: string, args: ServiceArgs, options?: pulumi.ComponentResourceOptions) {
    super('taxlien:index:Service', name, {}, options);
    const container = new docker.Container(name, containerArgs(args), {
      parent: this,
      // Components do not pass dependsOn to their children; without it `destroy` would stop the database before the gateway.
      dependsOn: options?.dependsOn ?? [],
      // Name and port are taken until the old container is gone.
      deleteBeforeReplace: true,
      // The provider ignores changes of health check and tmpfs unless all changes replace.
      replaceOnChanges: ['*'],
    });
    // The provider's own wait only recognizes `healthy`; for a container that exits or turns unhealthy it waits until its
    // time-out.
    hostCommand(
      `${stackName}-${resourceName.healthy(args.spec.service)}`,
      {
        step: 'healthy',
        env: args.settings.env,
        service: args.spec.service,
        containerId: container.id,
        limitSeconds: args.spec.startPeriodSeconds + 60,
      },
      [container.id],
      { parent: this, dependsOn: [container] },
    );
    this.containerName = container.name;
    this.containerId = container.id;
    this.registerOutputs({ containerName: this.containerName, containerId: this.containerId });
  }
}

function containerArgs(args: ServiceArgs): docker.ContainerArgs {
  const { settings, spec } = args;
  const { service } = spec;
  const override = settings.overrides[service];
  const command = override.command ?? spec.command;
  const labels = {
    ...override.labels,
    ...serviceLabels(settings, service),
    ...(args.secretsGeneration === undefined ? {} : { [secretsLabel]: args.secretsGeneration }),
  };
  return {
    name: containerName(settings, service),
    image: args.image,
    user: spec.user,
    ...(command === undefined ? {} : { command: [...command] }),
    envs: Object.entries({ ...override.environment, ...spec.environment })
      .map(([key, value]) => `${key}=${value}`)
      .sort(),
    labels: toLabelList(labels),
    ports: [
      ...(settings.isPublished[service] ? [{ internal: spec.containerPort, external: settings.ports[service] }] : []),
      ...override.ports,
    ].map((port) => ({ ...port, ip: settings.bindIp })),
    ...(override.extraHosts.length === 0 ? {} : { hosts: [...override.extraHosts] }),
    ...(override.ulimits.length === 0 ? {} : { ulimits: [...override.ulimits] }),
    // The value that Docker 26.0 and later store by default; the two provider versions compare it differently.
    networkMode: 'bridge',
    networksAdvanced: [{ name: args.networkName, aliases: [service] }],
    volumes: [
      ...spec.volumes.map(({ volume, mountedAt }) => ({
        volumeName: args.volumeNames[volume],
        containerPath: mountedAt,
      })),
      ...[...args.readOnlyMounts, ...override.mounts].map(({ hostPath, mountedAt }) => ({
        hostPath,
        containerPath: mountedAt,
        readOnly: true,
      })),
    ],
    ...(spec.tmpfs === undefined ? {} : { tmpfs: { ...spec.tmpfs } }),
    restart: 'unless-stopped',
    healthcheck: {
      tests: [...spec.healthTest],
      interval: '3s',
      timeout: '3s',
      retries: 5,
      startPeriod: duration(spec.startPeriodSeconds),
    },
    destroyGraceSeconds: spec.graceSeconds,
    stopTimeout: spec.graceSeconds,
    // false: removal would take anonymous volumes, and the data in them, with it.
    removeVolumes: false,
    readOnly: true,
    capabilities: { drops: ['ALL'] },
    securityOpts: ['no-new-privileges'],
    memory: settings.memoryMiB[service],
    memorySwap: settings.memoryMiB[service],
    cpuShares: override.cpuShares ?? 1024,
    logDriver: 'json-file',
    logOpts: { 'max-size': '10m', 'max-file': '3' },
  };
}

/** A duration as the daemon returns it: `30s`, `2m0s`. */
function duration(seconds: number): string {
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
