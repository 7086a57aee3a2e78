import type * as command from '@pulumi/command';
import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { imageMajorOf } from '../docker/images/pins.ts';
import upstreamImages from '../docker/images/upstream-images.json' with { type: 'json' };
import { imageTag, networkName, projectLabels, toLabelList } from '../docker/names.ts';
import { hostInUrl } from '../host/address.ts';
import type { Source } from '../host/git.ts';
import { type SecretGenerations, secretServices, secretsPath } from '../instance/secret-files.ts';
import type { Settings } from '../settings/load.ts';
import { type DataVolumeName, dataVolumes, type ServiceName, services } from '../settings/services.ts';
import { DataVolume } from './data-volume.ts';
import { hostCommand } from './host-command.ts';
import { LocalImage, tagImage } from './local-image.ts';
import { resourceName } from './resource-names.ts';
import { Service } from './service.ts';
import { db } from './services/db.ts';
import { gateway, gatewayBuild } from './services/gateway.ts';
import { grafana } from './services/grafana.ts';
import { prometheus } from './services/prometheus.ts';
import { redis } from './services/redis.ts';
import type { ServiceSpec } from './services/spec.ts';
import { configFilesPath } from './steps/config-files.ts';
import { ownedDirectories } from './steps/host-paths.ts';
import { gatewaySteps } from './steps/step.ts';

export interface GatewayStackArgs {
  readonly settings: Settings;
  readonly source: Source;
  /** Ids that the containers are labelled with; a new one replaces the container. */
  readonly secretGenerations: SecretGenerations;
  /** Changes when host paths must be created again. */
  readonly hostPathsId: string;
}

type PerService<T> = Readonly<Record<ServiceName, T>>;

/** One environment: images, network, volumes and the five services. */
export class GatewayStack extends pulumi.ComponentResource {
  /** URL of each published service. */
  readonly urls: Readonly<Partial<Record<ServiceName, string>>>;
  readonly images: PerService<{ readonly tag: pulumi.Output<string>; readonly id: pulumi.Output<string> }>;
  readonly containers: PerService<{ readonly name: pulumi.Output<string>; readonly id: pulumi.Output<string> }>;
  readonly network: pulumi.Output<string>;
  readonly volumes: Readonly<
    Record<DataVolumeName, { readonly name: pulumi.Output<string>; readonly hostPath: string }>
  >;
  /** Commit that the gateway was built from, with `-dirty-<context hash>` if files differ from it. */
  readonly commit: string;

  constructor(name: string, args: GatewayStackArgs, options?: pulumi.ComponentResourceOptions) {
    super('taxlien:index:GatewayStack', name, {}, options);
    const specs = specsOf(args.settings);
    const config = configPaths(args, specs);
    const images = createImages(name, args, this);
    const network = createNetwork(name, args, this);
    const volumes = createVolumes(name, args, this);
    const hostPaths = createHostPaths(name, args, { images, config }, this);
    const start = (service: ServiceName, dependsOn: pulumi.Resource[]) =>
      startService(name, args, specs[service], { image: images[service], network, volumes, config, dependsOn }, this);

    const dbService = start('db', [hostPaths]);
    const redisService = start('redis', [hostPaths]);
    const proof = proveGateway(name, args, images.gateway, [hostPaths, dbService, redisService], this);
    const started = {
      gateway: start('gateway', proof),
      db: dbService,
      redis: redisService,
      prometheus: start('prometheus', [hostPaths]),
      grafana: start('grafana', [hostPaths]),
    };
    createDataMarkers(name, args, Object.values(started), this);
    const { tags, commit } = createTags(name, args, images, proof, this);

    this.urls = urlsOf(args.settings);
    this.images = perService((service) => ({ tag: tags[service], id: images[service].imageId }));
    this.containers = perService((service) => ({
      name: started[service].containerName,
      id: started[service].containerId,
    }));
    this.network = network.name;
    this.volumes = perVolume((volume) => ({ name: volumes[volume].volumeName, hostPath: volumes[volume].hostPath }));
    this.commit = commit;
    this.registerOutputs({ urls: this.urls, commit: this.commit });
  }
}

interface Image {
  readonly imageId: pulumi.Output<string>;
}

/** The image of each service; the gateway's is built here. */
type Images = PerService<Image> & { readonly gateway: LocalImage };

const specsOf = (settings: Settings): PerService<ServiceSpec> => ({
  gateway: gateway(settings),
  db: db(settings),
  redis: redis(settings),
  prometheus: prometheus(settings),
  grafana: grafana(settings),
});

/** Directory of the checkout to the path of its copy on the host. */
type ConfigPaths = Readonly<Record<string, string>>;

function copyOf(config: ConfigPaths, source: string): string {
  const hostPath = config[source];
  if (hostPath === undefined) throw new TypeError(`${source}: is not among the configuration files`);
  return hostPath;
}

function configPaths({ settings }: GatewayStackArgs, specs: PerService<ServiceSpec>): ConfigPaths {
  const sources = services.flatMap((service) => (specs[service].configFiles ?? []).map(({ source }) => source));
  return Object.fromEntries(sources.map((source) => [source, configFilesPath(settings, source)]));
}

function createImages(name: string, { settings }: GatewayStackArgs, parent: pulumi.Resource): Images {
  const upstream = (service: keyof typeof upstreamImages): Image => {
    const image = new docker.RemoteImage(
      `${name}-${resourceName.image(service)}`,
      // true: other projects on this host may use the image too.
      { name: upstreamImages[service], keepLocally: true },
      { parent },
    );
    return { imageId: image.imageId };
  };
  return {
    gateway: new LocalImage(
      `${name}-${resourceName.image('gateway')}`,
      { settings, service: 'gateway', ...gatewayBuild(settings) },
      { parent },
    ),
    db: upstream('db'),
    redis: upstream('redis'),
    prometheus: upstream('prometheus'),
    grafana: upstream('grafana'),
  };
}

function createNetwork(name: string, { settings }: GatewayStackArgs, parent: pulumi.Resource): docker.Network {
  return new docker.Network(
    `${name}-${resourceName.network}`,
    { name: networkName(settings), driver: 'bridge', labels: toLabelList(projectLabels(settings)) },
    { parent, deleteBeforeReplace: true },
  );
}

/** Directories with their owners, secret files and config files: everything that containers mount from this host. */
function createHostPaths(
  name: string,
  { settings, secretGenerations, hostPathsId }: GatewayStackArgs,
  { images, config }: { readonly images: PerService<Image>; readonly config: ConfigPaths },
  parent: pulumi.Resource,
): command.local.Command {
  const layout = JSON.stringify({ dataDir: settings.dataDir, paths: ownedDirectories() });
  const generations = secretServices.map((service) => secretGenerations[service]);
  return hostCommand(
    `${name}-${resourceName.hostPaths}`,
    {
      step: 'host-paths',
      env: settings.env,
      imageId: images.db.imageId,
      hostPathsId,
      secretGenerations,
      configSources: Object.keys(config),
    },
    [layout, hostPathsId, ...generations, ...Object.values(config)],
    { parent },
  );
}

function createVolumes(
  name: string,
  { settings }: GatewayStackArgs,
  parent: pulumi.Resource,
): Readonly<Record<DataVolumeName, DataVolume>> {
  return perVolume(
    (volume) => new DataVolume(`${name}-${resourceName.volume(volume)}`, { settings, volume }, { parent }),
  );
}

/** Proves the new image against the live database, then migrates: only then may the container be swapped. */
function proveGateway(
  name: string,
  { settings, secretGenerations }: GatewayStackArgs,
  { imageId }: Image,
  dependsOn: pulumi.Resource[],
  parent: pulumi.Resource,
): pulumi.Resource[] {
  const done = [...dependsOn];
  const place = [JSON.stringify(gateway(settings).environment), secretGenerations.gateway];
  for (const step of gatewaySteps) {
    // New settings or secrets require a new proof.
    const triggers = step === 'selfcheck' ? [imageId, ...place] : [imageId];
    const options = { parent, dependsOn: [...done] };
    const stepName = `${name}-${resourceName.step(step)}`;
    done.push(hostCommand(stepName, { step, env: settings.env, imageId }, triggers, options));
  }
  return done;
}

interface Wiring {
  readonly image: Image;
  readonly network: docker.Network;
  readonly volumes: Readonly<Record<DataVolumeName, DataVolume>>;
  readonly config: ConfigPaths;
  readonly dependsOn: pulumi.Resource[];
}

function startService(
  name: string,
  { settings, secretGenerations }: GatewayStackArgs,
  spec: ServiceSpec,
  { image, network, volumes, config, dependsOn }: Wiring,
  parent: pulumi.Resource,
): Service {
  const secretService = secretServices.find((service) => service === spec.service);
  const configMounts = (spec.configFiles ?? []).map(({ source, mountedAt }) => ({
    hostPath: copyOf(config, source),
    mountedAt,
  }));
  const secretMounts =
    secretService === undefined
      ? []
      : [{ hostPath: secretsPath(settings.instance, secretService), mountedAt: '/run/secrets' }];
  return new Service(
    `${name}-${resourceName.container(spec.service)}`,
    {
      settings,
      spec,
      image: image.imageId,
      networkName: network.name,
      volumeNames: perVolume((volume) => volumes[volume].volumeName),
      readOnlyMounts: [...secretMounts, ...configMounts],
      ...(secretService === undefined ? {} : { secretsGeneration: secretGenerations[secretService] }),
    },
    { parent, dependsOn },
  );
}

/** Writes the data markers, after every service has written its first data. */
function createDataMarkers(
  name: string,
  { settings }: GatewayStackArgs,
  dependsOn: pulumi.Resource[],
  parent: pulumi.Resource,
): void {
  const majors = dataVolumes.map((volume) => `${volume} ${imageMajorOf(volume)}`);
  hostCommand(
    `${name}-${resourceName.dataMarkers}`,
    { step: 'data-markers', env: settings.env },
    [settings.dataDir, ...majors],
    {
      parent,
      dependsOn,
    },
  );
}

function createTags(
  name: string,
  { settings, source }: GatewayStackArgs,
  images: Images,
  proof: pulumi.Resource[],
  parent: pulumi.Resource,
): { readonly tags: PerService<pulumi.Output<string>>; readonly commit: string } {
  const hash = images.gateway.contextHash.slice(0, 12);
  const commit = source.isDirty ? `${source.commit}-dirty-${hash}` : source.commit;
  const tag = (service: ServiceName, suffix?: string) =>
    tagImage(
      `${name}-${suffix === undefined ? resourceName.tag(service) : resourceName.commitTag}`,
      images[service].imageId,
      imageTag(settings, service, suffix),
      // A tag names what was proven, not what was merely built.
      { parent, dependsOn: service === 'gateway' ? proof : [] },
    );
  const tags = perService((service) => tag(service));
  return { tags: { ...tags, gateway: tag('gateway', commit) }, commit };
}

function urlsOf(settings: Settings): Readonly<Partial<Record<ServiceName, string>>> {
  const host = hostInUrl(settings.bindIp);
  const schemes: PerService<string> = {
    gateway: 'http',
    db: 'postgresql',
    redis: 'redis',
    prometheus: 'http',
    grafana: 'http',
  };
  const published = services.filter((service) => settings.isPublished[service]);
  return Object.fromEntries(
    published.map((service) => [service, `${schemes[service]}://${host}:${settings.ports[service]}`]),
  );
}

const perService = <T>(value: (service: ServiceName) => T): PerService<T> =>
  Object.fromEntries(services.map((service) => [service, value(service)])) as Record<ServiceName, T>;

const perVolume = <T>(value: (volume: DataVolumeName) => T): Readonly<Record<DataVolumeName, T>> =>
  Object.fromEntries(dataVolumes.map((volume) => [volume, value(volume)])) as Record<DataVolumeName, T>;
