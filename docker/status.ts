import { hostInUrl } from '../host/address.ts';
import { table } from '../host/output.ts';
import type { Settings } from '../settings/load.ts';
import { type ServiceName, services } from '../settings/services.ts';
import type { DockerClient } from './client.ts';
import { containerName } from './names.ts';

/** Status of one service of an environment, from the daemon. */
export interface ServiceStatus {
  readonly env: string;
  readonly service: ServiceName;
  readonly container: string;
  /** Tag of this environment on the running image; `-` if there is none. */
  readonly image: string;
  /** `ip:port` as published; empty if none is. */
  readonly address: string;
  /** `healthy`, `starting`, `unhealthy`; a container without a check or not running shows its state; `missing`. */
  readonly health: string;
}
export interface Inspected {
  readonly Name: string;
  readonly Image: string;
  readonly State: { readonly Status: string; readonly Health?: { readonly Status: string } };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>;
  };
}

/** The five services of an environment, as the daemon sees them now. */
export async function readStatus(docker: DockerClient, settings: Settings): Promise<readonly ServiceStatus[]> {
  const names = services.map((service) => containerName(settings, service));
  const containers = await docker.inspect<Inspected>('container', names);
  const imageIds = [...new Set(containers.map(({ Image }) => Image))];
  const images = await docker.inspect<{ Id: string; RepoTags: string[] }>('image', imageIds);
  return services.map((service) => {
    const name = containerName(settings, service);
    const found = containers.find(({ Name }) => Name === `/${name}`);
    const base = { env: settings.env, service, container: name };
    if (found === undefined) return { ...base, image: '-', address: '', health: 'missing' };
    const tags = images.find(({ Id }) => Id === found.Image)?.RepoTags ?? [];
    return {
      ...base,
      image: shownTag(tags, `${settings.project}/${service}:${settings.env}`),
      address: Object.values(found.NetworkSettings.Ports)
        .flatMap((bindings) => bindings ?? [])
        .map(({ HostIp, HostPort }) => `${hostInUrl(HostIp)}:${HostPort}`)
        .join(' '),
      health: found.State.Status === 'running' ? (found.State.Health?.Status ?? 'running') : found.State.Status,
    };
  });
}

/** The most specific tag: of this environment and with a commit, else of this environment, else any. */
export function shownTag(tags: readonly string[], envTag: string): string {
  const withCommit = tags.filter((tag) => tag.startsWith(`${envTag}-`) && !tag.startsWith(`${envTag}-build-`));
  return withCommit.at(-1) ?? tags.find((tag) => tag === envTag) ?? tags[0] ?? '-';
}

export function statusTable(rows: readonly ServiceStatus[]): string {
  const cells = rows.map(({ env, service, image, address, health }) => [env, service, image, address, health]);
  return table([['ENV', 'SERVICE', 'IMAGE', 'ADDRESS', 'HEALTH'], ...cells]);
}
