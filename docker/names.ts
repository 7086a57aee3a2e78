import type { Settings } from '../settings/load.ts';
import type { DataVolumeName, ServiceName } from '../settings/services.ts';

/** `<project>-<service>`: the container. */
export const containerName = (settings: Settings, service: ServiceName) => `${settings.project}-${service}`;

/** `<project>_default`: the network, named as Compose would. */
export const networkName = (settings: Settings) => `${settings.project}_default`;

/** `<project>_<volume>`: the volume, named as Compose would. */
export const volumeName = (settings: Settings, volume: DataVolumeName) => `${settings.project}_${volume}`;

/** `<project>/<service>:<env>`, with an optional suffix after the environment. */
export const imageTag = (settings: Settings, service: ServiceName, suffix?: string) =>
  `${settings.project}/${service}:${suffix === undefined ? settings.env : `${settings.env}-${suffix}`}`;

/** Tag of an image that is built here, by the hash of its build context. */
export const buildTag = (settings: Settings, service: ServiceName, contextHash: string) =>
  imageTag(settings, service, `build-${contextHash.slice(0, 12)}`);

/** Label of all objects of an instance; its value is the environment. */
export const environmentLabel = 'taxlien-gateway.environment';

/** Label that names the generation of the secrets that a container was started with. */
export const secretsLabel = 'taxlien-gateway.secrets';

/** Label that Dockerfile.gateway gives to an image; its value is the project. */
export const imageLabel = 'taxlien-gateway.project';

/** Labels by which Compose tools group the objects of a project. */
export function projectLabels(settings: Settings): Record<string, string> {
  return { 'com.docker.compose.project': settings.project, [environmentLabel]: settings.env };
}

export function serviceLabels(settings: Settings, service: ServiceName): Record<string, string> {
  return {
    ...projectLabels(settings),
    'com.docker.compose.service': service,
    'com.docker.compose.container-number': '1',
    'com.docker.compose.oneoff': 'False',
  };
}

/** Labels in the shape of the docker provider, in a stable order. */
export const toLabelList = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, value]) => ({ label, value }));
