import { type DataVolumeName, dataVolumes, type ServiceName, services } from '../settings/services.ts';
import { type GatewayStep, gatewaySteps } from './steps/step.ts';

/** Name of the stack's component; every resource is `<stackName>-<name>`. It is part of each URN, so it must never change. */
export const stackName = 'taxlien';

/** Name of each resource, without the stack's prefix. */
export const resourceName = {
  network: 'network',
  hostPaths: 'host-paths',
  dataMarkers: 'data-markers',
  image: (service: ServiceName) => `${service}-image`,
  tag: (service: ServiceName) => `${service}-tag`,
  commitTag: 'gateway-commit-tag',
  volume: (volume: DataVolumeName) => `${volume}-volume`,
  step: (step: GatewayStep) => `gateway-${step}`,
  container: (service: ServiceName) => service,
  healthy: (service: ServiceName) => `${service}-healthy`,
} as const;

/** How messages describe a resource. */
export interface ResourceWords {
  /** What a deploy does with it, as an infinitive: `start redis`. */
  readonly phase: string;
  /** Service whose container it is. */
  readonly containerOf?: ServiceName;
  /** Its name in messages, if it holds data or gives access to it: `PostgreSQL's volume`. */
  readonly data?: string;
}

const stepPhases: Readonly<Record<GatewayStep, string>> = {
  selfcheck: 'prove the new gateway',
  migrate: 'migrate the schema',
};

const dataWords: Readonly<Record<DataVolumeName, string>> = {
  postgres: "PostgreSQL's volume",
  redis: "Redis' volume",
  raw: 'the volume of the raw bodies',
  prometheus: "Prometheus' volume",
  grafana: "Grafana's volume",
};

const containerWords: Partial<Record<ServiceName, string>> = {
  db: "PostgreSQL's container",
  redis: "Redis' container",
};

const each = <T extends string>(all: readonly T[], entry: (one: T) => readonly [string, ResourceWords]) =>
  Object.fromEntries(all.map(entry));

const words: Readonly<Record<string, ResourceWords>> = {
  [resourceName.network]: { phase: 'create the network' },
  [resourceName.hostPaths]: { phase: 'create directories, secrets and configuration' },
  [resourceName.dataMarkers]: { phase: 'write the data markers' },
  [resourceName.commitTag]: { phase: 'tag the image of gateway' },
  ...each(services, (service) => [
    resourceName.image(service),
    { phase: service === 'gateway' ? "build the gateway's image" : `get the image of ${service}` },
  ]),
  ...each(services, (service) => [resourceName.tag(service), { phase: `tag the image of ${service}` }]),
  ...each(services, (service) => [resourceName.healthy(service), { phase: `wait until ${service} is healthy` }]),
  ...each(services, (service) => {
    const data = containerWords[service];
    return [
      resourceName.container(service),
      { phase: `start ${service}`, containerOf: service, ...(data === undefined ? {} : { data }) },
    ];
  }),
  ...each(dataVolumes, (volume) => [
    resourceName.volume(volume),
    { phase: `create the volume of ${volume}`, data: dataWords[volume] },
  ]),
  ...each(gatewaySteps, (step) => [resourceName.step(step), { phase: stepPhases[step] }]),
};

/** Words of a resource, by its name without the stack's prefix; a generic text for one of another program version. */
export const wordsOf = (name: string): ResourceWords => words[name] ?? { phase: `work on ${name}` };

/** All names in the table. */
export const knownNames: readonly string[] = Object.keys(words);

/** Name of a resource without the stack's prefix, from its URN. */
export const nameInUrn = (urn: string): string => urn.slice(urn.lastIndexOf('::') + 2).replace(`${stackName}-`, '');
