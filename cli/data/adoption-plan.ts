import { join } from 'node:path';
import { type DaemonFacts, projectOf } from '../../docker/daemon-facts.ts';
import { imageMajorOf } from '../../docker/images/pins.ts';
import { networkName, volumeName } from '../../docker/names.ts';
import type { ErrorCode } from '../../host/error-codes.ts';
import type { Finding } from '../../host/errors.ts';
import { areNested, isWithin, realPathOf } from '../../host/paths.ts';
import type { AdoptedData, AdoptionPlan } from '../../instance/adoption-journal.ts';
import type { Settings } from '../../settings/load.ts';
import {
  type DataVolumeName,
  dataOwners,
  dataVolumes,
  owners,
  type ServiceName,
  services,
} from '../../settings/services.ts';
import type { ComposeContainer, ComposeProject, DatabaseVersion } from './compose-project.ts';

/** What a plan is computed from. */
export interface AdoptionSubject {
  readonly settings: Settings;
  readonly facts: Pick<DaemonFacts, 'containers'>;
  readonly project: ComposeProject;
  /** `undefined` if the project has no database. */
  readonly database: DatabaseVersion | undefined;
  /** Whether a directory holds something that an earlier run of this adoption did not copy. */
  readonly isTaken: (dir: string) => boolean;
}

export interface PlannedAdoption {
  readonly plan: AdoptionPlan;
  /** Errors: the plan must not be carried out. Warnings: what the operator should know. */
  readonly findings: readonly Finding[];
}

/** This stack's service for a container of a Compose file: by its service name, else by its image. */
export function stackServiceOf({
  service,
  image,
}: Pick<ComposeContainer, 'service' | 'image'>): ServiceName | undefined {
  const known = services.find((name) => name === service);
  if (known !== undefined) return known;
  const base = (image.split('/').at(-1) ?? '').replace(/[:@].*$/, '');
  const byImage: Readonly<Record<string, ServiceName>> = {
    postgres: 'db',
    redis: 'redis',
    prometheus: 'prometheus',
    grafana: 'grafana',
    'grafana-oss': 'grafana',
  };
  return Object.hasOwn(byImage, base) ? byImage[base] : undefined;
}

/** Directory in a container that holds what this stack keeps in a volume of its own. */
export function dataTarget(service: ServiceName, { environment, command }: ComposeContainer): string {
  const option = (name: string) => command.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const targets: Readonly<Record<ServiceName, string>> = {
    db: environment.PGDATA ?? '/var/lib/postgresql/data',
    redis: '/data',
    gateway: environment.RAW_DIR ?? '/data/raw',
    prometheus: option('--storage.tsdb.path') ?? '/prometheus',
    grafana: environment.GF_PATHS_DATA ?? '/var/lib/grafana',
  };
  return targets[service].replace(/\/+$/, '');
}

/** What an adoption would do, and what prevents it. */
export function planAdoption(subject: AdoptionSubject): PlannedAdoption {
  const { settings, project } = subject;
  const findings: Finding[] = [];
  const known = project.containers.filter((container) => stackServiceOf(container) !== undefined);
  const data = dataVolumes.flatMap((volume) => dataOf(volume, subject, findings) ?? []);
  const wanted = dataVolumes.map((volume) => volumeName(settings, volume));
  const isOwn = (labels: Readonly<Record<string, string>>) => projectOf(labels) === settings.project;
  const volumes = project.volumes.filter(({ name, labels }) => wanted.includes(name) && isOwn(labels));
  const networks = project.networks.filter(({ name }) => name === networkName(settings));
  findings.push(...standstill(subject, data, networks), ...databaseFindings(subject));
  const others = project.containers.filter((container) => !known.includes(container)).map(({ name }) => name);
  if (others.length > 0) findings.push(otherServices(settings, others));
  const plan: AdoptionPlan = {
    env: settings.env,
    project: settings.project,
    data,
    containers: known.map(({ id, name, finishedAt }) => ({ id, name, finishedAt })),
    networks: networks.map(({ name }) => name),
    volumes: volumes.map(({ name }) => name),
    kept: {
      containers: others,
      volumes: project.volumes.filter((volume) => !volumes.includes(volume)).map(({ name }) => name),
    },
  };
  return { plan, findings };
}

function dataOf(volume: DataVolumeName, subject: AdoptionSubject, findings: Finding[]): AdoptedData | undefined {
  const { settings, project, isTaken } = subject;
  const service = dataOwners[volume];
  const users = project.containers.filter((container) => !container.isOneOff && stackServiceOf(container) === service);
  const to = join(settings.dataDir, volume);
  const refuse = (code: ErrorCode, message: string, fix: string, why = 'Its data would be left behind.') => {
    findings.push({ code, severity: 'error', message, why, fix });
    return undefined;
  };
  const [container, ...more] = users;
  if (container === undefined) {
    findings.push({
      code: 'W_ADOPT_EMPTY',
      severity: 'warning',
      message: `${settings.project}: has no container of ${service}`,
      why: `${volume} starts empty.`,
      fix: 'If its data is needed, create the container: docker compose up --no-start; then run adopt again.',
    });
    return undefined;
  }
  if (more.length > 0) {
    const names = users.map(({ name }) => name).join(', ');
    return refuse(
      'E_ADOPT_MANY',
      `${settings.project}: has more than one container of ${service} (got ${names})`,
      `Remove those whose data is not needed: docker rm <container>`,
    );
  }
  const target = dataTarget(service, container);
  const mount = container.mounts.find((each) => each.target === target && each.isWritable && each.type !== 'tmpfs');
  if (mount === undefined) {
    const near = container.mounts.find((each) => isWithin(target, each.target));
    const got = near === undefined ? 'no mount there' : `a mount of ${near.source} at ${near.target}`;
    return refuse(
      'E_ADOPT_MOUNT',
      `container ${container.name}: must keep ${volume} in a volume or directory mounted at ${target} (got ${got})`,
      `Mount one there in the Compose file and copy the data into it; or, if it is not needed: docker rm ${container.name}`,
    );
  }
  const found = project.volumes.find(({ name }) => mount.type === 'volume' && name === mount.source);
  const path = mount.type === 'bind' ? mount.source : found?.device;
  const isInPlace = path !== undefined && realPathOf(path) === realPathOf(to);
  if (!isInPlace && isTaken(to)) {
    return refuse(
      'E_ADOPT_TARGET',
      `${to}: must be empty or missing: the data of ${container.name} is copied there (got something in it)`,
      `Check it: sudo ls -la ${to}; if it is not needed: sudo mv ${to} ${to}.before`,
      'The data of both would be mixed.',
    );
  }
  if (!isInPlace && path !== undefined && areNested(to, path)) {
    return refuse(
      'E_ADOPT_TARGET',
      `${to}: must neither contain the data of ${container.name} nor be inside it (got ${path})`,
      `Set DATA_DIR in ${settings.instance.envFile} to another directory.`,
      'A directory cannot be copied into itself.',
    );
  }
  const from = { type: mount.type === 'bind' ? 'bind' : 'volume', source: mount.source } as const;
  return { volume, container: container.name, from, isDockerManaged: path === undefined, isInPlace, to };
}

export const isStopped = ({ status }: ComposeContainer) => ['exited', 'created', 'dead'].includes(status);

/** Nothing may write during the copy. */
function standstill(
  { settings, project, facts }: AdoptionSubject,
  data: readonly AdoptedData[],
  networks: ComposeProject['networks'],
): readonly Finding[] {
  const stop = (message: string, fix: string): Finding => ({
    code: 'E_ADOPT_RUNNING',
    severity: 'error',
    message,
    why: 'A copy of data that is being written is broken.',
    fix,
  });
  const own = project.containers.map(({ name }) => name);
  const isUsed = (mount: string) =>
    data.some(({ from: { type, source } }) => (type === 'bind' ? isWithin(mount, source) : mount === source));
  return [
    ...project.containers
      .filter((container) => !isStopped(container))
      .map(({ name, status }) =>
        stop(`container ${name}: must be stopped (got ${status})`, `docker compose -p ${settings.project} stop`),
      ),
    ...facts.containers
      .filter(({ name, isRunning, mounts }) => isRunning && !own.includes(name) && mounts.some(isUsed))
      .map(({ name, labels }) => {
        const got = projectOf(labels) === '' ? 'no project' : `project ${projectOf(labels)}`;
        return stop(`container ${name}: must not use the data to adopt (got ${got})`, `docker stop ${name}`);
      }),
    ...networks.flatMap(({ name, attached }) =>
      attached
        .filter((each) => !own.includes(each))
        .map((each) =>
          stop(
            `network ${name}: must have no other container (got ${each})`,
            `docker network disconnect ${name} ${each}`,
          ),
        ),
    ),
  ];
}

/** Whether this stack's image can read the database, and the settings have its names. */
function databaseFindings({ settings, project, database }: AdoptionSubject): readonly Finding[] {
  const container = project.containers.find((each) => !each.isOneOff && stackServiceOf(each) === 'db');
  if (container === undefined) return [];
  const { name, environment } = container;
  const findings: Finding[] = [];
  const add = (severity: Finding['severity'], code: ErrorCode, message: string, why: string, fix: string) =>
    findings.push({ code, severity, message, why, fix });
  const wanted = imageMajorOf('postgres');
  if (database?.major !== wanted) {
    add(
      'error',
      'E_ADOPT_MAJOR',
      `container ${name}: its database must be PostgreSQL ${wanted} (got ${database?.major ?? 'no PG_VERSION'})`,
      'The image of this stack cannot read it.',
      `Dump the database with its own image and restore it into a PostgreSQL ${wanted} container of the same project; then run adopt again.`,
    );
  }
  const user = environment.POSTGRES_USER || 'postgres';
  const names = [
    ['POSTGRES_USER', user, settings.db.user],
    ['POSTGRES_DB', environment.POSTGRES_DB || user, settings.db.name],
  ] as const;
  // A name from a file in the container is unknown here.
  const isKnown = !('POSTGRES_USER_FILE' in environment || 'POSTGRES_DB_FILE' in environment);
  for (const [variable, got, set] of names.filter((each) => isKnown && each[1] !== each[2])) {
    add(
      'error',
      'E_ADOPT_DATABASE',
      `${settings.instance.envFile} ${variable}: must be that of container ${name} (got ${set}, it has ${got})`,
      'The gateway could not log in.',
      `Set ${variable}=${got}.`,
    );
  }
  const password = environment.POSTGRES_PASSWORD;
  if (password !== undefined && password !== settings.secrets.POSTGRES_PASSWORD) {
    add(
      'warning',
      'W_ADOPT_PASSWORD',
      `${settings.instance.envFile} POSTGRES_PASSWORD: is not the one that container ${name} was created with`,
      'A database keeps its first password; the gateway may not be able to log in.',
      'Set the old value, deploy, then change both with ./gatewayctl rotate.',
    );
  }
  if (database !== undefined && database.uid !== owners.db.uid) {
    add(
      'warning',
      'W_ADOPT_COLLATION',
      `container ${name}: its database was written by an image of another base (got uid ${database.uid}, not ${owners.db.uid})`,
      'Another C library may sort text differently: indexes on text would miss rows.',
      `After the first deploy: docker exec ${settings.project}-db reindexdb --username ${settings.db.user} --all`,
    );
  }
  return findings;
}

const otherServices = ({ project }: Settings, names: readonly string[]): Finding => ({
  code: 'W_ADOPT_OTHERS',
  severity: 'warning',
  message: `project ${project}: has containers that this stack has no service for (got ${names.join(', ')})`,
  why: 'They stay stopped and keep their volumes; their default network is removed.',
  fix: `If they are not needed: docker rm ${names.join(' ')}`,
});
