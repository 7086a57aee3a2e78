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
  /** Created by `docker compose run`. */
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

/** A Compose project's objects on a daemon, without those that this stack created under the same project name. */
export interface ComposeProject {
  readonly containers: readonly ComposeContainer[];
  readonly networks: readonly { readonly name: string; readonly attached: readonly string[] }[];
  readonly volumes: readonly FoundVolume[];
  /** Output of `docker inspect` for all of them, for the backup; includes secrets in environment values. */
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
 * What is on a daemon.
 * @throws UserError if it does not answer
 */
export async function factsOf(docker: DockerClient): Promise<DaemonFacts> {
  const facts = await askDaemon(docker);
  if ('code' in facts) throw new UserError(facts.code, facts.message, facts.fix);
  return facts;
}

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

/** Major version that wrote a database, and the uid that owns it. */
export interface DatabaseVersion {
  readonly major: string;
  readonly uid: number;
}

/** Reads PG_VERSION of a stopped container's database without starting it; `undefined` if there is none. */
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
