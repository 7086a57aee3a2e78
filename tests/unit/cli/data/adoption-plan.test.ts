import { expect, test } from 'vitest';
import { type AdoptionSubject, dataTarget, planAdoption, stackServiceOf } from '../../../../cli/data/adoption-plan.ts';
import type { ComposeContainer, ComposeProject } from '../../../../cli/data/compose-project.ts';
import { findingText } from '../../../../host/errors.ts';
import { testSecrets, testSettings } from '../../../helpers/instance.ts';
import { temporaryDir } from '../../../helpers/temporary.ts';

const name = 'taxlien-gateway-dev';

const container = (service: string, target: string, more: Partial<ComposeContainer> = {}): ComposeContainer => ({
  id: `id-of-${service}`,
  name: `${name}-${service}-1`,
  service,
  isOneOff: false,
  status: 'exited',
  finishedAt: '2026-11-23T12:00:00Z',
  image: `${service}:1`,
  environment: {},
  command: [],
  mounts: [{ type: 'volume', source: `${name}_${service}files`, target, isWritable: true }],
  ...more,
});

const database = { POSTGRES_USER: 'gateway', POSTGRES_DB: 'gateway', POSTGRES_PASSWORD: testSecrets.POSTGRES_PASSWORD };

const five = [
  container('db', '/var/lib/postgresql/data', { environment: database }),
  container('redis', '/data'),
  container('gateway', '/data/raw'),
  container('prometheus', '/prometheus'),
  container('grafana', '/var/lib/grafana'),
];

const labels = { 'com.docker.compose.project': name };

function plan(containers: readonly ComposeContainer[], more: Partial<AdoptionSubject> = {}) {
  const root = temporaryDir();
  const settings = testSettings({ root });
  const volumes = containers.flatMap(({ mounts }) =>
    mounts.filter(({ type }) => type === 'volume').map(({ source }) => ({ name: source, labels })),
  );
  const project: ComposeProject = {
    containers,
    networks: [{ name: `${name}_default`, attached: [] }],
    volumes,
    inspected: {},
  };
  const subject: AdoptionSubject = {
    settings,
    facts: { containers: [] },
    project,
    database: { major: '16', uid: 70 },
    isTaken: () => false,
    ...more,
  };
  const { plan: planned, findings } = planAdoption(subject);
  const shown = findings.map((finding) => `${finding.severity} ${findingText(finding)}`.replaceAll(root, '<root>'));
  return { planned, shown };
}

test('the service of a container of a Compose project', () => {
  const of = (service: string, image: string) => stackServiceOf({ service, image });
  expect([
    of('db', 'x'),
    of('database', 'registry.local:5000/library/postgres:16@sha256:ab'),
    of('cache', 'redis'),
    of('metrics', 'prom/prometheus:v3'),
    of('graphs', 'grafana/grafana-oss'),
    of('web', 'nginx'),
    of('constructor', 'constructor'),
  ]).toEqual(['db', 'db', 'redis', 'prometheus', 'grafana', undefined, undefined]);
});

test('where a container keeps its data', () => {
  const at = (service: string, more: Partial<ComposeContainer>) => container(service, '/', more);
  expect([
    dataTarget('db', at('db', { environment: { PGDATA: '/pg/' } })),
    dataTarget('gateway', at('gateway', { environment: { RAW_DIR: '/raw' } })),
    dataTarget('prometheus', at('prometheus', { command: ['--x', '--storage.tsdb.path=/tsdb'] })),
    dataTarget('grafana', at('grafana', {})),
    dataTarget('redis', at('redis', {})),
  ]).toEqual(['/pg', '/raw', '/tsdb', '/var/lib/grafana', '/data']);
});

test('five stopped services: all is adopted, without a problem', () => {
  const { planned, shown } = plan(five);
  expect(shown).toEqual([]);
  expect(planned.data.map(({ volume, isDockerManaged }) => `${volume} ${isDockerManaged}`)).toEqual(
    ['postgres', 'redis', 'raw', 'prometheus', 'grafana'].map((volume) => `${volume} true`),
  );
  expect(planned.containers.map(({ id }) => id)).toEqual(five.map(({ id }) => id));
  expect([planned.networks, planned.volumes]).toEqual([[`${name}_default`], []]);
  expect(planned.kept.volumes).toHaveLength(5);
});

test('a volume whose name the stack needs is removed, unless it is of another project', () => {
  const named = (volume: string) => [
    { type: 'volume', source: `${name}_${volume}`, target: '/data', isWritable: true },
  ];
  const own = plan([container('redis', '/data', { mounts: named('redis') })]);
  expect(own.planned.volumes).toEqual([`${name}_redis`]);
  const volumes = [{ name: `${name}_redis`, labels: { 'com.docker.compose.project': 'shop' } }];
  const containers = [container('redis', '/data', { mounts: named('redis') })];
  const foreign = plan(containers, { project: { containers, networks: [], volumes, inspected: {} } });
  expect([foreign.planned.volumes, foreign.planned.kept.volumes]).toEqual([[], [`${name}_redis`]]);
});

test('all problems are reported at once', () => {
  const { shown } = plan(
    [
      container('db', '/var/lib/postgresql', { status: 'running' }),
      container('redis', '/data'),
      container('redis', '/data', { name: 'second' }),
      container('gateway', '/data/raw'),
      container('proxy', '/etc'),
    ],
    {
      database: { major: '15', uid: 999 },
      isTaken: (dir) => dir.endsWith('/raw'),
    },
  );
  expect(shown.join('\n')).toMatchInlineSnapshot(`
    "error E_ADOPT_MOUNT  container taxlien-gateway-dev-db-1: must keep postgres in a volume or directory mounted at /var/lib/postgresql/data (got a mount of taxlien-gateway-dev_dbfiles at /var/lib/postgresql). Its data would be left behind.
      Mount one there in the Compose file and copy the data into it; or, if it is not needed: docker rm taxlien-gateway-dev-db-1
    error E_ADOPT_MANY  taxlien-gateway-dev: has more than one container of redis (got taxlien-gateway-dev-redis-1, second). Its data would be left behind.
      Remove those whose data is not needed: docker rm <container>
    error E_ADOPT_TARGET  <root>/dev/data/raw: must be empty or missing: the data of taxlien-gateway-dev-gateway-1 is copied there (got something in it). The data of both would be mixed.
      Check it: sudo ls -la <root>/dev/data/raw; if it is not needed: sudo mv <root>/dev/data/raw <root>/dev/data/raw.before
    warning W_ADOPT_EMPTY  taxlien-gateway-dev: has no container of prometheus. prometheus starts empty.
      If its data is needed, create the container: docker compose up --no-start; then run adopt again.
    warning W_ADOPT_EMPTY  taxlien-gateway-dev: has no container of grafana. grafana starts empty.
      If its data is needed, create the container: docker compose up --no-start; then run adopt again.
    error E_ADOPT_RUNNING  container taxlien-gateway-dev-db-1: must be stopped (got running). A copy of data that is being written is broken.
      docker compose -p taxlien-gateway-dev stop
    error E_ADOPT_MAJOR  container taxlien-gateway-dev-db-1: its database must be PostgreSQL 16 (got 15). The image of this stack cannot read it.
      Dump the database with its own image and restore it into a PostgreSQL 16 container of the same project; then run adopt again.
    error E_ADOPT_DATABASE  <root>/dev/.env POSTGRES_USER: must be that of container taxlien-gateway-dev-db-1 (got gateway, it has postgres). The gateway could not log in.
      Set POSTGRES_USER=postgres.
    error E_ADOPT_DATABASE  <root>/dev/.env POSTGRES_DB: must be that of container taxlien-gateway-dev-db-1 (got gateway, it has postgres). The gateway could not log in.
      Set POSTGRES_DB=postgres.
    warning W_ADOPT_COLLATION  container taxlien-gateway-dev-db-1: its database was written by an image of another base (got uid 999, not 70). Another C library may sort text differently: indexes on text would miss rows.
      After the first deploy: docker exec taxlien-gateway-dev-db reindexdb --username gateway --all
    warning W_ADOPT_OTHERS  project taxlien-gateway-dev: has containers that this stack has no service for (got taxlien-gateway-dev-proxy-1). They stay stopped and keep their volumes; their default network is removed.
      If they are not needed: docker rm taxlien-gateway-dev-proxy-1"
  `);
});

test('names and password of the database are those of the settings', () => {
  const environment = { POSTGRES_USER: 'clerk', POSTGRES_PASSWORD: 'another-one' };
  const { shown } = plan([container('db', '/var/lib/postgresql/data', { environment }), ...five.slice(1)]);
  expect(shown.join('\n')).toMatchInlineSnapshot(`
    "error E_ADOPT_DATABASE  <root>/dev/.env POSTGRES_USER: must be that of container taxlien-gateway-dev-db-1 (got gateway, it has clerk). The gateway could not log in.
      Set POSTGRES_USER=clerk.
    error E_ADOPT_DATABASE  <root>/dev/.env POSTGRES_DB: must be that of container taxlien-gateway-dev-db-1 (got gateway, it has clerk). The gateway could not log in.
      Set POSTGRES_DB=clerk.
    warning W_ADOPT_PASSWORD  <root>/dev/.env POSTGRES_PASSWORD: is not the one that container taxlien-gateway-dev-db-1 was created with. A database keeps its first password; the gateway may not be able to log in.
      Set the old value, deploy, then change both with ./gatewayctl rotate."
  `);
  expect(shown.join()).not.toContain('another-one');
});

test('other users of the data or the network are a problem; containers that mount volumes of other projects are not', () => {
  const running = (user: string, mount: string, project = '') => ({
    name: user,
    isRunning: true,
    isRestarting: false,
    labels: project === '' ? {} : { 'com.docker.compose.project': project },
    published: [],
    mounts: [mount],
  });
  const project: ComposeProject = {
    containers: five,
    networks: [{ name: `${name}_default`, attached: [`${name}-db-1`, 'guest'] }],
    volumes: [],
    inspected: {},
  };
  const containers = [running('reader', `${name}_gatewayfiles`, 'shop'), running('writer', 'shop_data', 'shop')];
  const { shown } = plan(five, { project, facts: { containers } });
  expect(shown.join('\n')).toMatchInlineSnapshot(`
    "error E_ADOPT_RUNNING  container reader: must not use the data to adopt (got project shop). A copy of data that is being written is broken.
      docker stop reader
    error E_ADOPT_RUNNING  network taxlien-gateway-dev_default: must have no other container (got guest). A copy of data that is being written is broken.
      docker network disconnect taxlien-gateway-dev_default guest"
  `);
});
