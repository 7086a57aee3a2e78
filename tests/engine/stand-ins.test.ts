import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../bootstrap/sandbox/sandbox.ts';
import upstream from '../../docker/images/upstream-images.json' with { type: 'json' };
import { eventually } from '../helpers/engine.ts';
import { dockerOf, sandboxUnderTest } from '../helpers/sandbox.ts';
import { writeFiles } from '../helpers/temporary.ts';

const noPrivileges = ['--cap-drop=ALL', '--security-opt=no-new-privileges', '--read-only'];

const { options, remove, files } = sandboxUnderTest('images');
let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox(options);
});
afterAll(remove);

/** A secret that only `uid` can read. */
function secret(name: string, content: string, uid: number): string {
  const dir = join(files, name);
  writeFiles(dir, { [name]: content });
  for (const path of [dir, join(dir, name)]) chownSync(path, uid, uid);
  chmodSync(join(dir, name), 0o400);
  return `${dir}:/run/secrets:ro`;
}

test('each is labelled with the version that it contains, and a second start changes nothing', async () => {
  const { docker } = dockerOf(sandbox);
  const format = '{{index .RepoTags 0}} {{index .Config.Labels "taxlien-gateway.stand-in"}}';
  const ids = await docker('image', 'ls', '--quiet', '--no-trunc');
  const said = (await docker('image', 'inspect', '--format', format, ...ids.split('\n'))).split('\n').sort();
  expect(said.map((line) => line.replace(/\d[\d.]*$/, 'N'))).toEqual([
    expect.stringMatching(/^golang:\S+ goN$/),
    `${upstream.grafana} Grafana stand-in`,
    `${upstream.db} PostgreSQL N`,
    `${upstream.prometheus} Prometheus N`,
    `${upstream.redis} Redis N`,
  ]);
  const startedMs = performance.now();
  expect(await startSandbox(options)).toEqual(sandbox);
  expect(performance.now() - startedMs).toBeLessThan(500);
});

test('postgres: first start as uid 70 with a read-only root, a password file and init files', async () => {
  const { docker, tolerant } = dockerOf(sandbox);
  const data = join(files, 'postgres-data');
  mkdirSync(data, { recursive: true });
  chownSync(data, 70, 70);
  writeFiles(files, { 'init/1.sql': 'CREATE TABLE made (n int); INSERT INTO made VALUES (41);' });
  writeFiles(files, { 'init/2.sh': 'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "UPDATE made SET n = n + 1"' });
  const tmpfs = ['--tmpfs=/var/run/postgresql:uid=70,gid=70', '--tmpfs=/tmp'];
  const env = ['POSTGRES_USER=gw', 'POSTGRES_DB=gwdb', 'POSTGRES_PASSWORD_FILE=/run/secrets/pg'].map(
    (e) => `--env=${e}`,
  );
  const mounts = [secret('pg', "it's \\ secret", 70), `${join(files, 'init')}:/docker-entrypoint-initdb.d:ro`];
  const volumes = [...mounts, `${data}:/var/lib/postgresql/data`].map((volume) => `--volume=${volume}`);
  const limits = ['--memory=128m', '--health-cmd=pg_isready -h 127.0.0.1', '--health-interval=1s'];
  const network = await docker('network', 'create', 'pg-net');
  expect(network).not.toBe('');
  const options70 = ['--user=70:70', '--network=pg-net', '--name=pg', ...noPrivileges, ...tmpfs];
  await docker('run', '--detach', ...options70, ...env, ...volumes, ...limits, upstream.db, '-c', 'max_connections=17');
  const health = () => docker('inspect', '--format={{.State.Health.Status}}', 'pg');
  await eventually('postgres healthy', 30_000, async () => ((await health()) === 'healthy' ? true : undefined));

  const asked = ['-Atc', 'SELECT n FROM made', '-c', 'SHOW max_connections', '-c', 'SHOW password_encryption'];
  expect(await docker('exec', 'pg', 'psql', '-U', 'gw', '-d', 'gwdb', ...asked)).toBe('42\n17\nscram-sha-256');
  const login = (password: string) =>
    tolerant(
      ...['run', '--rm', '--network=pg-net', `--env=PGPASSWORD=${password}`, upstream.db],
      ...['psql', '-h', 'pg', '-U', 'gw', '-d', 'gwdb', '-Atc', 'SELECT 1'],
    );
  expect((await login("it's \\ secret")).stdout.trim()).toBe('1');
  expect((await login('wrong')).stderr).toContain('password authentication failed');
  const limit = '/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max';
  expect(await docker('exec', 'pg', 'sh', '-c', `cat ${limit} 2>/dev/null || true`)).toBe(`${128 * 1024 * 1024}`);
  await docker('stop', 'pg');
  expect(await docker('inspect', '--format={{.State.ExitCode}}', 'pg')).toBe('0');
  expect((await tolerant('logs', 'pg')).stderr).toContain('database system is shut down');
});

/** What `initdb` writes by itself; loopback and socket are trusted. */
const initdbRules = [
  'local all all trust',
  'host all all 127.0.0.1/32 trust',
  'host all all ::1/128 trust',
  'local replication all trust',
  'host replication all 127.0.0.1/32 trust',
  'host replication all ::1/128 trust',
];

/** The lines of a database's pg_hba.conf that have an effect. */
async function hostRules(container: string): Promise<readonly string[]> {
  const text = await dockerOf(sandbox).docker('exec', container, 'cat', '/var/lib/postgresql/data/pg_hba.conf');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => line.replaceAll(/\s+/g, ' '));
}

test('postgres: started as root it runs as uid 70 and trusts loopback only; without a password it refuses', async () => {
  const { docker, tolerant } = dockerOf(sandbox);
  await docker('run', '--detach', '--name=pg-root', '--env=POSTGRES_PASSWORD=x', upstream.db);
  const ready = () => docker('exec', 'pg-root', 'pg_isready', '-h', '127.0.0.1');
  await eventually('postgres ready', 30_000, ready);
  expect(await docker('exec', 'pg-root', 'stat', '-c', '%u %a', '/var/lib/postgresql/data')).toBe('70 700');
  expect(await hostRules('pg-root')).toEqual([...initdbRules, 'host all all all scram-sha-256']);
  expect(await docker('exec', 'pg-root', 'psql', '-h', '127.0.0.1', '-U', 'postgres', '-Atc', 'select 1')).toBe('1');
  const md5 = ['--env=POSTGRES_PASSWORD=x', upstream.db, '-c', 'password_encryption=md5'];
  await docker('run', '--detach', '--name=pg-md5', ...md5);
  await eventually('postgres ready', 30_000, () => docker('exec', 'pg-md5', 'pg_isready', '-h', '127.0.0.1'));
  expect(await hostRules('pg-md5')).toEqual([...initdbRules, 'host all all all md5']);
  const refused = await tolerant('run', '--rm', upstream.db);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain('Set POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE');
});

test('redis: password from a file, as uid 999 with a read-only root, data kept', async () => {
  const { docker, tolerant } = dockerOf(sandbox);
  const mount = secret('redis.conf', 'requirepass swordfish\nappendonly yes\n', 999);
  const options999 = ['--user=999:1000', '--name=rd', ...noPrivileges, `--volume=${mount}`, '--volume=rd:/data'];
  await docker('run', '--detach', ...options999, upstream.redis, 'redis-server', '/run/secrets/redis.conf');
  const cli = (...args: string[]) => tolerant('exec', 'rd', 'redis-cli', '--no-auth-warning', ...args);
  await eventually('redis', 10_000, async () => ((await cli('ping')).stdout.includes('NOAUTH') ? true : undefined));
  expect((await cli('-a', 'swordfish', 'set', 'key', 'value')).stdout.trim()).toBe('OK');
  await docker('restart', 'rd');
  const get = async () => (await cli('-a', 'swordfish', 'get', 'key')).stdout.trim() || undefined;
  expect(await eventually('redis again', 10_000, get)).toBe('value');
});

test('prometheus: ready as uid 65534, and its promtool', async () => {
  const { docker } = dockerOf(sandbox);
  await docker('run', '--detach', '--name=pr', ...noPrivileges, '--tmpfs=/prometheus:uid=65534', upstream.prometheus);
  const ready = () => docker('exec', 'pr', 'wget', '-q', '-O', '-', 'http://127.0.0.1:9090/-/ready');
  expect(await eventually('prometheus', 20_000, ready)).toContain('Ready');
  expect(await docker('exec', 'pr', 'id', '-u')).toBe('65534');
  const check = ['/bin/promtool', 'check', 'config', '/etc/prometheus/prometheus.yml'];
  expect(await docker('exec', 'pr', ...check)).toContain('SUCCESS');
});

test('grafana: reads provisioning, requires its password, calls itself a stand-in, reports what is missing, and refuses broken files', async () => {
  const { docker, tolerant } = dockerOf(sandbox);
  writeFiles(join(files, 'gf'), {
    'datasources/a.yml': 'apiVersion: 1\ndatasources:\n  - {name: P, type: prometheus, uid: p, url: http://pr:9090}\n',
    'dashboards/a.yml': 'apiVersion: 1\nproviders:\n  - {name: d, options: {path: /etc/grafana/provisioning/json}}\n',
    'json/a.json': '{"title": "T", "uid": "t", "panels": [{"datasource": {"uid": "p"}}]}',
    'broken/datasources/a.yml': 'apiVersion: 1\ndatasources:\n  - {name: P, access: sideways}\n',
  });
  const password = `--volume=${secret('gf-password', 'open sesame\n', 472)}`;
  const env = '--env=GF_SECURITY_ADMIN_PASSWORD__FILE=/run/secrets/gf-password';
  const provisioning = `--volume=${join(files, 'gf')}:/etc/grafana/provisioning:ro`;
  const command = ['--name=gf', ...noPrivileges, '--volume=gf:/var/lib/grafana', password, env, provisioning];
  await docker('run', '--detach', ...command, upstream.grafana);
  const ask = (path: string, user = '') =>
    tolerant('exec', 'gf', 'wget', '-q', '-O', '-', `http://${user}127.0.0.1:3000${path}`);
  const health = async () => ((await ask('/api/health')).stdout.trim() || undefined) as string | undefined;
  expect(JSON.parse(await eventually('grafana', 10_000, health))).toMatchObject({ 'stand-in': true, starts: 1 });
  expect((await ask('/api/search')).exitCode).not.toBe(0);
  expect((await ask('/api/search', 'admin:open%20sesame@')).stdout).toContain('"uid":"t"');
  const logged = await docker('logs', 'gf');
  expect(logged.split('\n').filter((line) => line.includes('level='))).toEqual([
    `logger=provisioning.alerting level=error msg="can't read alerting provisioning files from directory" path=/etc/grafana/provisioning/alerting error="open /etc/grafana/provisioning/alerting: no such file or directory"`,
    'logger=provisioning.plugins level=error msg="Failed to read plugin provisioning files from directory" path=/etc/grafana/provisioning/plugins error="open /etc/grafana/provisioning/plugins: no such file or directory"',
  ]);
  await docker('restart', 'gf');
  expect(JSON.parse(await eventually('grafana again', 10_000, health))).toMatchObject({ starts: 2 });

  const broken = `--volume=${join(files, 'gf/broken')}:/etc/grafana/provisioning:ro`;
  const refused = await tolerant('run', '--rm', '--tmpfs=/var/lib/grafana:uid=472', broken, upstream.grafana);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr.trim().split('\n')).toEqual([
    'grafana-stand-in: /etc/grafana/provisioning/datasources/a.yml: datasources[0]: name and type must be set (got "P", "")',
    '/etc/grafana/provisioning/datasources/a.yml: datasources[0]: access must be proxy or direct (got "sideways")',
  ]);
});
