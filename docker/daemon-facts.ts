import type { DockerClient } from './client.ts';

/** A container, as far as checks need it. */
export interface FoundContainer {
  readonly name: string;
  readonly isRunning: boolean;
  /** Whether it ended and its restart policy is about to start it again. */
  readonly isRestarting: boolean;
  readonly labels: Labels;
  /** TCP ports on the host; none while it does not run. */
  readonly published: readonly { readonly ip: string; readonly port: number }[];
  /** Its mounts: a directory of the host or the name of a volume. */
  readonly mounts: readonly string[];
}

export interface FoundNetwork {
  readonly name: string;
  readonly labels: Labels;
  /** `172.18.0.0/16`; none for the networks of the host itself. */
  readonly subnets: readonly string[];
  /** The addresses that this host has in it. */
  readonly gateways: readonly string[];
}

export interface FoundVolume {
  readonly name: string;
  readonly labels: Labels;
  /** Directory of the host that it is bound to; absent if Docker manages it. */
  readonly device?: string;
}

export type Labels = Readonly<Record<string, string>>;

/** All that checks need to know of a daemon, read at one time. */
export interface DaemonFacts {
  /** Address of the daemon, in the form of DOCKER_HOST. */
  readonly host: string;
  readonly apiVersion: string;
  /** The oldest API that it still accepts; empty if it does not report one. */
  readonly minApiVersion: string;
  /** `amd64` */
  readonly arch: string;
  /** Random id that a daemon keeps for as long as its data. */
  readonly id: string;
  /** `overlay2` */
  readonly storageDriver: string;
  /** Directory of images and containers, on the daemon's own host. */
  readonly rootDir: string;
  /** `Docker Desktop`, else the name of a Linux. */
  readonly operatingSystem: string;
  /** Whether uids on the host differ from those in containers. */
  readonly areUidsMapped: boolean;
  readonly containers: readonly FoundContainer[];
  readonly networks: readonly FoundNetwork[];
  readonly volumes: readonly FoundVolume[];
}

interface PsLine {
  readonly Names: string;
  readonly State: string;
  readonly Ports: string;
  readonly Labels: string;
  readonly Mounts: string;
}

interface Info {
  readonly ID: string;
  readonly Driver: string;
  readonly DockerRootDir: string;
  readonly OperatingSystem: string;
  readonly SecurityOptions: readonly string[] | null;
}

interface NetworkDetails {
  readonly Name: string;
  readonly Labels: Labels | null;
  readonly IPAM: { readonly Config: readonly { readonly Subnet?: string; readonly Gateway?: string }[] | null };
}

interface VolumeDetails {
  readonly Name: string;
  readonly Labels: Labels | null;
  readonly Options: { readonly device?: string } | null;
}

/**
 * Reads all facts of a daemon at once; changes nothing.
 * @throws UserError if it does not answer
 */
export async function readDaemon(
  docker: DockerClient,
  version: Pick<DaemonFacts, 'arch' | 'apiVersion' | 'minApiVersion'>,
): Promise<DaemonFacts> {
  // Skip objects that were deleted between list and inspect.
  const details = async <T>(kind: 'network' | 'volume') =>
    docker.inspect<T>(kind, await docker.lines([kind, 'ls', '--quiet']));
  const [info, containers, networks, volumes] = await Promise.all([
    docker.call(['info', '--format', '{{json .}}']).then(({ stdout }) => JSON.parse(stdout) as Info),
    readContainers(docker),
    details<NetworkDetails>('network'),
    details<VolumeDetails>('volume'),
  ]);
  return {
    host: docker.host,
    ...version,
    id: info.ID,
    storageDriver: info.Driver,
    rootDir: info.DockerRootDir,
    operatingSystem: info.OperatingSystem,
    areUidsMapped: (info.SecurityOptions ?? []).some((option) => /name=(userns|rootless)/.test(option)),
    containers,
    networks: networks.map(({ Name, Labels, IPAM }) => ({
      name: Name,
      labels: Labels ?? {},
      subnets: (IPAM.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []),
      gateways: (IPAM.Config ?? []).flatMap(({ Gateway }) => Gateway ?? []),
    })),
    volumes: volumes.map(({ Name, Labels, Options }) => ({
      name: Name,
      labels: Labels ?? {},
      ...(Options?.device === undefined ? {} : { device: Options.device }),
    })),
  };
}

async function readContainers(docker: DockerClient): Promise<readonly FoundContainer[]> {
  return (await docker.ps([], '{{json .}}')).map((line) => parsePsLine(JSON.parse(line) as PsLine));
}

/** The TCP ports that the containers of a daemon publish now. */
export async function readPublished(docker: DockerClient): Promise<FoundContainer['published']> {
  return (await readContainers(docker)).flatMap(({ published }) => published);
}

/** Compose project of an object; empty if it has none. */
export const projectOf = (labels: Labels): string => labels['com.docker.compose.project'] ?? '';

/** Compose service of an object; empty if it has none. */
export const composeServiceOf = (labels: Labels): string => labels['com.docker.compose.service'] ?? '';

/** Path on this host: Docker Desktop prefixes Mac paths with `/host_mnt`. */
export const hostPathOf = (source: string): string => source.replace(/^\/host_mnt(?=\/)/, '');

/** One line of `docker ps --format '{{json .}}'`. */
export function parsePsLine(line: PsLine): FoundContainer {
  const published = line.Ports.split(', ').flatMap((text) => {
    const match = /^\[?([0-9a-f.:]+?)\]?:(\d+)(?:-(\d+))?->.*\/tcp$/.exec(text);
    if (match === null) return [];
    const [, ip = '', first = '', last = first] = match;
    // Docker shows neighbouring ports as one range.
    const count = Number(last) - Number(first) + 1;
    return Array.from({ length: count }, (_, index) => ({ ip, port: Number(first) + index }));
  });
  const labels = line.Labels.split(',').map((label): [string, string] => {
    const at = label.indexOf('=');
    return at < 0 ? [label, ''] : [label.slice(0, at), label.slice(at + 1)];
  });
  return {
    name: line.Names,
    isRunning: line.State === 'running',
    isRestarting: line.State === 'restarting',
    labels: Object.fromEntries(labels),
    published,
    mounts: line.Mounts.split(',').map(hostPathOf),
  };
}
