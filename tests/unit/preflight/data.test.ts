import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { imageMajorOf } from '../../../docker/images/pins.ts';
import { currentMarker, type DataMarker, writeMarker } from '../../../instance/data-markers.ts';
import { dataDirectories, ownerFindings, useFindings, volumeFindings } from '../../../preflight/data.ts';
import type { Settings } from '../../../settings/load.ts';
import { dataVolumes } from '../../../settings/services.ts';
import { runHostCheck, shownFindings } from '../../helpers/findings.ts';
import { testSettings } from '../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

/** An instance whose five directories hold data and whose markers are as a deploy writes them. */
function deployed(root: string): Settings {
  const settings = testSettings({ root });
  writeFiles(settings.instance.dir, { 'instance-id': 'id-1\n' });
  writeFiles(settings.dataDir, Object.fromEntries(dataVolumes.map((volume) => [`${volume}/file`, 'x'])));
  for (const volume of dataVolumes) mark(settings, volume);
  return settings;
}

function mark(settings: Settings, volume: (typeof dataVolumes)[number], other: Partial<DataMarker> = {}): void {
  const marker = currentMarker(settings.instance, join(settings.dataDir, volume), imageMajorOf(volume));
  writeMarker(settings.instance, volume, { ...marker, ...other });
}

const find = async (settings: Settings, root: string) =>
  shownFindings(await runHostCheck(dataDirectories, settings), root).join('\n');

test('directories as the last deploy left them, and those of a first deploy, are accepted', async () => {
  const root = temporaryDir();
  expect(await find(deployed(root), root)).toBe('');
  const fresh = temporaryDir();
  expect(await find(testSettings({ root: fresh }), fresh)).toBe('');
});

test('each difference between a directory and its marker', async () => {
  const ways: Readonly<Record<string, (settings: Settings) => Settings | undefined>> = {
    missing: ({ dataDir }) => void rmSync(join(dataDir, 'postgres'), { recursive: true }),
    empty: ({ dataDir }) => void rmSync(join(dataDir, 'postgres', 'file')),
    foreign: (settings) => void mark(settings, 'redis', { instanceId: 'id-2', stack: 'stage' }),
    'of another stack': (settings) => void mark(settings, 'redis', { stack: 'stage' }),
    moved(settings) {
      const elsewhere = join(settings.instance.dir, 'elsewhere');
      mkdirSync(elsewhere);
      for (const volume of dataVolumes) writeFiles(elsewhere, { [`${volume}/file`]: 'x' });
      return { ...settings, dataDir: elsewhere };
    },
    'moved to a path that does not exist': (settings) => ({
      ...settings,
      dataDir: join(settings.instance.dir, 'not', 'there'),
    }),
    'moved behind a link'({ dataDir }) {
      renameSync(join(dataDir, 'raw'), join(dataDir, 'raw-2'));
      symlinkSync('raw-2', join(dataDir, 'raw'));
      return undefined;
    },
    'on another device': (settings) => void mark(settings, 'grafana', { mountPoint: '/mnt/disk' }),
    'with a marker that is not JSON': ({ instance }) =>
      void writeFiles(instance.defaultDataDir, { '.owners/redis.json': '{"stack": "dev"' }),
    'with a marker that says too little': ({ instance }) =>
      void writeFiles(instance.defaultDataDir, { '.owners/redis.json': '{"stack": "dev"}' }),
    'of another major': (settings) => void mark(settings, 'postgres', { imageMajor: '15' }),
  };
  const shown: string[] = [];
  for (const [way, spoil] of Object.entries(ways)) {
    const root = temporaryDir();
    const settings = deployed(root);
    const found = await find(spoil(settings) ?? settings, root);
    shown.push(
      `${way}:\n${found.replaceAll(/mounted at [^)]*/g, 'mounted at <mount>').replaceAll(/got \/[a-z]*, /g, 'got <mount>, ')}`,
    );
  }
  expect(shown.join('\n')).toMatchInlineSnapshot(`
    "missing:
    E_DATA_EMPTY error: <root>/dev/data/postgres: held the data of postgres and is empty (marker: mounted at <mount>). A deploy would start on other data than before. Mount its disk or restore a backup; to start with no data on purpose: rm <root>/dev/data/.owners/postgres.json.
    empty:
    E_DATA_EMPTY error: <root>/dev/data/postgres: held the data of postgres and is empty (marker: mounted at <mount>). A deploy would start on other data than before. Mount its disk or restore a backup; to start with no data on purpose: rm <root>/dev/data/.owners/postgres.json.
    foreign:
    E_DATA_FOREIGN error: <root>/dev/data/redis: belongs to another instance (got stage id-2). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env to a directory of this instance.
    of another stack:
    E_DATA_FOREIGN error: <root>/dev/data/redis: belongs to another instance (got stage id-1). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env to a directory of this instance.
    moved:
    E_DATA_MOVED error: <root>/dev/elsewhere/postgres: does not hold the data of postgres (got <root>/dev/elsewhere/postgres, the marker says <root>/dev/data/postgres). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env back to <root>/dev/data; to move the data: then ./gatewayctl move-data dev <root>/dev/elsewhere
    E_DATA_MOVED error: <root>/dev/elsewhere/redis: does not hold the data of redis (got <root>/dev/elsewhere/redis, the marker says <root>/dev/data/redis). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env back to <root>/dev/data; to move the data: then ./gatewayctl move-data dev <root>/dev/elsewhere
    E_DATA_MOVED error: <root>/dev/elsewhere/raw: does not hold the data of raw (got <root>/dev/elsewhere/raw, the marker says <root>/dev/data/raw). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env back to <root>/dev/data; to move the data: then ./gatewayctl move-data dev <root>/dev/elsewhere
    E_DATA_MOVED error: <root>/dev/elsewhere/prometheus: does not hold the data of prometheus (got <root>/dev/elsewhere/prometheus, the marker says <root>/dev/data/prometheus). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env back to <root>/dev/data; to move the data: then ./gatewayctl move-data dev <root>/dev/elsewhere
    E_DATA_MOVED error: <root>/dev/elsewhere/grafana: does not hold the data of grafana (got <root>/dev/elsewhere/grafana, the marker says <root>/dev/data/grafana). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env back to <root>/dev/data; to move the data: then ./gatewayctl move-data dev <root>/dev/elsewhere
    moved to a path that does not exist:
    E_DATA_MOVED error: <root>/dev/not/there/postgres: does not hold the data of postgres (got <root>/dev/not/there/postgres, the marker says <root>/dev/data/postgres). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env back to <root>/dev/data; to move the data: then ./gatewayctl move-data dev <root>/dev/not/there
    E_DATA_MOVED error: <root>/dev/not/there/redis: does not hold the data of redis (got <root>/dev/not/there/redis, the marker says <root>/dev/data/redis). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env back to <root>/dev/data; to move the data: then ./gatewayctl move-data dev <root>/dev/not/there
    E_DATA_MOVED error: <root>/dev/not/there/raw: does not hold the data of raw (got <root>/dev/not/there/raw, the marker says <root>/dev/data/raw). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env back to <root>/dev/data; to move the data: then ./gatewayctl move-data dev <root>/dev/not/there
    E_DATA_MOVED error: <root>/dev/not/there/prometheus: does not hold the data of prometheus (got <root>/dev/not/there/prometheus, the marker says <root>/dev/data/prometheus). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env back to <root>/dev/data; to move the data: then ./gatewayctl move-data dev <root>/dev/not/there
    E_DATA_MOVED error: <root>/dev/not/there/grafana: does not hold the data of grafana (got <root>/dev/not/there/grafana, the marker says <root>/dev/data/grafana). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env back to <root>/dev/data; to move the data: then ./gatewayctl move-data dev <root>/dev/not/there
    moved behind a link:
    E_DATA_MOVED error: <root>/dev/data/raw: does not hold the data of raw (got <root>/dev/data/raw-2, the marker says <root>/dev/data/raw). A deploy would start on other data than before. Set DATA_DIR in <root>/dev/.env back to <root>/dev/data; to move the data: then ./gatewayctl move-data dev <root>/dev/data
    on another device:
    E_DATA_DEVICE error: <root>/dev/data/grafana: is on another file system than its data (got <mount>, the marker says /mnt/disk). A deploy would start on other data than before. Mount the disk at /mnt/disk.
    with a marker that is not JSON:
    E_DAMAGED_FILE error: <root>/dev/data/.owners/redis.json: does not contain what gatewayctl writes (got 15 characters). A deploy would start on other data than before. Restore it from a backup. Or, if the data directory of redis certainly holds the data of this instance: rm <root>/dev/data/.owners/redis.json.
    with a marker that says too little:
    E_DAMAGED_FILE error: <root>/dev/data/.owners/redis.json: does not contain what gatewayctl writes (got 16 characters). A deploy would start on other data than before. Restore it from a backup. Or, if the data directory of redis certainly holds the data of this instance: rm <root>/dev/data/.owners/redis.json.
    of another major:
    E_DATA_MAJOR error: <root>/dev/data/postgres: was written by major version 15 (got an image of 16). A deploy would start on other data than before. Go back to the image of that major in docker/images/upstream-images.json, or dump and restore the data."
  `);
});

describe('volumes', () => {
  const labels = { 'taxlien-gateway.environment': 'dev' };
  const settings = () => testSettings({ root: temporaryDir(), variables: { DATA_DIR: '/srv/data' } });

  test('that do not exist yet, or are bound to the directory of the settings, are accepted', () => {
    const volume = { name: 'taxlien-gateway-dev_postgres', labels, device: '/srv/data/postgres' };
    const other = { name: 'shop_data', labels: {} };
    const foreign = { name: 'taxlien-gateway-dev_redis', labels: {} };
    expect([volumeFindings(settings(), []), volumeFindings(settings(), [volume, other, foreign])]).toEqual([[], []]);
  });

  test('bound to another directory, or to none, are refused', () => {
    const ours = settings();
    const found = volumeFindings(ours, [
      { name: 'taxlien-gateway-dev_postgres', labels, device: '/srv/old/postgres' },
      { name: 'taxlien-gateway-dev_raw', labels },
    ]);
    expect(shownFindings(found, ours.instance.dir).join('\n')).toMatchInlineSnapshot(`
      "E_VOLUME_DEVICE error: volume taxlien-gateway-dev_postgres: is not bound to /srv/data/postgres (got /srv/old/postgres). Docker keeps the old directory of an existing volume, and does not report it. Set DATA_DIR in <root>/.env back; or, when no container needs it: docker volume rm taxlien-gateway-dev_postgres.
      E_VOLUME_DEVICE error: volume taxlien-gateway-dev_raw: is not bound to /srv/data/raw (got a directory that Docker manages). Docker keeps the old directory of an existing volume, and does not report it. Set DATA_DIR in <root>/.env back; or, when no container needs it: docker volume rm taxlien-gateway-dev_raw."
    `);
  });
});

test('a directory of another owner, or open to others, is refused', () => {
  const mode = (bits: number) => 0o40000 + bits;
  expect(ownerFindings('postgres', '/data/postgres', { uid: 70, gid: 70, mode: mode(0o700) })).toEqual([]);
  expect(ownerFindings('postgres', '/data/postgres', { uid: 70, gid: 0, mode: mode(0o750) })).toEqual([]);
  expect(ownerFindings('redis', '/data/redis', { uid: 999, gid: 1000, mode: mode(0o755) })).toEqual([]);
  const found = [
    ...ownerFindings('postgres', '/data/postgres', { uid: 70, gid: 70, mode: mode(0o755) }),
    ...ownerFindings('redis', '/data/redis', { uid: 0, gid: 0, mode: mode(0o700) }),
    ...ownerFindings('raw', '/data/raw', { uid: 65532, gid: 65532, mode: mode(0o500) }),
  ];
  expect(shownFindings(found, '/root').join('\n')).toMatchInlineSnapshot(`
    "E_DATA_OWNER error: /data/postgres: must belong to its container's user, with mode 0700 (got 70:70 0755, needs 70:70). db cannot start on data that it may not write, or that others may read. sudo chown -R 70:70 /data/postgres && sudo chmod 700 /data/postgres
    E_DATA_OWNER error: /data/redis: must belong to its container's user, with mode 0700 (got 0:0 0700, needs 999:1000). redis cannot start on data that it may not write, or that others may read. sudo chown -R 999:1000 /data/redis && sudo chmod 700 /data/redis
    E_DATA_OWNER error: /data/raw: must belong to its container's user, with mode 0700 (got 65532:65532 0500, needs 65532:65532). gateway cannot start on data that it may not write, or that others may read. sudo chown -R 65532:65532 /data/raw && sudo chmod 700 /data/raw"
  `);
});

const container = (name: string, mount: string, labels: Readonly<Record<string, string>> = {}, isRunning = true) => ({
  name,
  isRunning,
  isRestarting: false,
  labels,
  published: [],
  mounts: [mount],
});

test('containers of others that mount data of this instance, by path or by volume', () => {
  const root = temporaryDir();
  const settings = testSettings({ root, variables: { DATA_DIR: '/srv/data' } });
  const found = useFindings(settings, {
    containers: [
      container('own', '/srv/data/raw', { 'taxlien-gateway.environment': 'dev' }),
      container('watcher', '/'),
      container('neighbour', '/srv/data-2'),
      container('stopped', '/srv/data/raw', {}, false),
      container('copy', '/srv/data/raw', { 'com.docker.compose.project': 'shop' }),
      container('by-volume', 'shop_pg'),
    ],
    volumes: [{ name: 'shop_pg', labels: {}, device: '/srv/data/postgres' }],
  });
  expect(shownFindings(found, root).join('\n')).toMatchInlineSnapshot(`
    "E_DATA_IN_USE error: /srv/data/raw: is mounted by a container outside this stack (got copy of project shop). Two servers on one data directory destroy it. Stop it: docker stop copy; or set DATA_DIR in <root>/dev/.env to a directory of this instance.
    E_DATA_IN_USE error: /srv/data/postgres: is mounted by a container outside this stack (got by-volume). Two servers on one data directory destroy it. Stop it: docker stop by-volume; or set DATA_DIR in <root>/dev/.env to a directory of this instance."
  `);
});
