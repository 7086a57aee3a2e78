import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import type { DockerClient, ObjectKind } from '../../docker/client.ts';
import {
  composeServiceOf,
  type DaemonFacts,
  type FoundVolume,
  hostPathOf,
  type Labels,
  projectOf,
} from '../../docker/daemon-facts.ts';
import { environmentLabel } from '../../docker/names.ts';
import { UserError } from '../../host/errors.ts';
import { askDaemon } from '../../preflight/daemon.ts';
import type { Settings } from '../../settings/load.ts';

interface ComposeMount {
  readonly type: string;
  /** Directory of the host, or name of a volume. */
  readonly source: string;
  readonly target: string;
  readonly isWritable: boolean;
}

export interface ComposeContainer {
  readonly id: string;
  readonly name: string;
  /** `com.docker.compose.service`. */
  readonly service: string;
  /** Made by `docker compose run`. */
  readonly isOneOff: boolean;
  /** `exited`, `running`, `created`, ... */
  readonly status: string;
  readonly finishedAt: string;
  /** Name of the image, as the Compose file has it. */
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly mounts: readonly ComposeMount[];
}

/** What a Compose project has on a daemon, but for what this stack made under the same project name. */
export interface ComposeProject {
  readonly containers: readonly ComposeContainer[];
  readonly networks: readonly { readonly name: string; readonly attached: readonly string[] }[];
  readonly volumes: readonly FoundVolume[];
  /** What `docker inspect` says of all of them, for the backup; secrets in environment values among it. */
  readonly inspected: unknown;
}

interface InspectedContainer {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Status: string; readonly FinishedAt: string };
  readonly Config: {
    readonly Image: string;
    readonly Env: readonly string[] | null;
    readonly Cmd: readonly string[] | null;
    readonly Labels: Labels;
  };
  readonly Mounts: readonly {
    readonly Type: string;
    readonly Name?: string;
    readonly Source: string;
    readonly Destination: string;
    readonly RW: boolean;
  }[];
}

interface InspectedNetwork {
  readonly Name: string;
  readonly Containers: Readonly<Record<string, { readonly Name: string }>> | null;
}

/**
 * All that a daemon says of itself.
 * @throws UserError where none answers
 */
export async function factsOf(docker: DockerClient): Promise<DaemonFacts> {
  const facts = await askDaemon(docker);
  if ('code' in facts) throw new UserError(facts.code, facts.message, facts.fix);
  return facts;
}

/** Reads it, and changes nothing. */
export async function readComposeProject(
  docker: DockerClient,
  settings: Settings,
  facts?: DaemonFacts,
): Promise<ComposeProject> {
  const found = facts ?? (await factsOf(docker));
  const isOfIt = ({ labels }: { readonly labels: Labels }) =>
    projectOf(labels) === settings.project && labels[environmentLabel] === undefined;
  const inspect = <T>(kind: ObjectKind, objects: readonly { readonly name: string }[]) =>
    docker.inspect<T>(
      kind,
      objects.map(({ name }) => name),
    );
  const containers = await inspect<InspectedContainer>('container', found.containers.filter(isOfIt));
  const networks = await inspect<InspectedNetwork>('network', found.networks.filter(isOfIt));
  const mounted = containers.flatMap(({ Mounts }) => Mounts.flatMap(({ Name }) => Name ?? []));
  const volumes = found.volumes.filter((volume) => isOfIt(volume) || mounted.includes(volume.name));
  return {
    containers: containers.map(parseContainer),
    networks: networks.map(({ Name, Containers }) => ({
      name: Name,
      attached: Object.values(Containers ?? {}).map((container) => container.Name),
    })),
    volumes,
    inspected: { containers, networks, volumes: await inspect('volume', volumes) },
  };
}

function parseContainer({ Id, Name, State, Config, Mounts }: InspectedContainer): ComposeContainer {
  return {
    id: Id,
    name: Name.replace(/^\//, ''),
    service: composeServiceOf(Config.Labels),
    isOneOff: Config.Labels['com.docker.compose.oneoff'] === 'True',
    status: State.Status,
    finishedAt: State.FinishedAt,
    image: Config.Image,
    environment: Object.fromEntries(
      (Config.Env ?? []).map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)]),
    ),
    command: Config.Cmd ?? [],
    mounts: Mounts.map((mount) => ({
      type: mount.Type,
      source: mount.Name ?? hostPathOf(mount.Source),
      target: mount.Destination,
      isWritable: mount.RW,
    })),
  };
}

/** Major version that wrote a database, and the uid that it belongs to. */
export interface DatabaseVersion {
  readonly major: string;
  readonly uid: number;
}

/** What PG_VERSION of a stopped container's database says, or nothing where it is not there; starts no container. */
export async function readDatabaseVersion(
  docker: DockerClient,
  container: ComposeContainer,
  directory: string,
): Promise<DatabaseVersion | undefined> {
  const path = `${container.id}:${directory}/PG_VERSION`;
  const copied = await docker.call(['cp', path, '-'], { allowedExitCodes: [0, 1] });
  if (copied.exitCode !== 0) {
    if (/no such file|could not find the file/i.test(copied.stderr)) return undefined;
    throw new Error(`docker cp ${path}: ${copied.stderr}`);
  }
  const archive = Readable.from([Buffer.from(copied.stdout)]).pipe(extract());
  for await (const entry of archive) return { major: (await text(entry)).trim(), uid: entry.header.uid ?? 0 };
  return undefined;
}
