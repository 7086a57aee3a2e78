import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { layoutOf } from '../../bootstrap/sandbox/layout.ts';
import { currentMountsBelow } from '../../bootstrap/sandbox/mounts.ts';
import { processesInCgroup, processesWithArgs } from '../../bootstrap/sandbox/processes.ts';
import {
  cleanSandbox,
  type Sandbox,
  sandboxStatus,
  startSandbox,
  stopSandbox,
} from '../../bootstrap/sandbox/sandbox.ts';
import { type RunResult, run } from '../../cli/process.ts';
import upstream from '../../components/upstream-images.json' with { type: 'json' };
import { userDirs } from '../../settings/instance.ts';
import { eventually, docker as outerDocker } from '../helpers/engine.ts';
import { writeFiles } from '../helpers/temporary.ts';

const quiet = { step() {}, tick() {}, done() {} };
const iptables = ['env', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'iptables-save'];
const fetchText = 'fetch(process.argv[1]).then((r) => r.text()).then((t) => process.stdout.write(t.trim()))';
const noPrivileges = ['--cap-drop=ALL', '--security-opt=no-new-privileges', '--read-only'];

/** A place for engines of these tests alone. */
function place(name: string) {
  const stateDir = mkdtempSync(join(tmpdir(), 'sandbox-'));
  chmodSync(stateDir, 0o755);
  const options = { name, netns: 'own', stateDir, cacheDir: userDirs().cacheDir, progress: quiet } as const;
  const remove = async () => {
    await cleanSandbox({ ...options, deleteInstances: true });
    rmSync(stateDir, { recursive: true });
  };
  return { options, remove, layout: layoutOf(stateDir, name), files: join(stateDir, 'files') };
}

function dockerOf(sandbox: Sandbox) {
  const env = { ...process.env, DOCKER_HOST: sandbox.dockerHost };
  const tolerant = (...args: string[]): Promise<RunResult> =>
    run(['docker', ...args], { env, allowedExitCodes: 'any' });
  const docker = async (...args: string[]) => (await run(['docker', ...args], { env })).stdout.trim();
  return { docker, tolerant };
}

const cgroupDirs = (name: string) =>
  readdirSync('/sys/fs/cgroup').filter((hierarchy) => existsSync(join('/sys/fs/cgroup', hierarchy, name)));

function hashes(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [file.slice(dir.length), createHash('sha256').update(readFileSync(file)).digest('hex')];
    }),
  );
}

async function runWithBindVolume(sandbox: Sandbox, data: string, ...options: string[]): Promise<void> {
  const { docker } = dockerOf(sandbox);
  const device = ['--driver=local', '--opt=type=none', '--opt=o=bind', `--opt=device=${data}`];
  await docker('volume', 'create', ...device, 'kept');
  const command = [upstream.redis, 'sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1; done'];
  await docker('run', '--detach', '--name=user', '--volume=kept:/kept', ...options, ...command);
}

describe('a sandbox of its own network', () => {
  test('killed engine: clean unmounts what is left before it deletes, and the data behind it stay', async () => {
    const { options, remove, layout, files } = place('killed');
    try {
      const data = join(files, 'data with blank');
      writeFiles(data, { 'a.bin': 'a'.repeat(100_000), 'deep/b.txt': 'b' });
      const before = hashes(data);
      const sandbox = await startSandbox(options);
      await runWithBindVolume(sandbox, data);
      process.kill(sandbox.pid, 'SIGKILL');
      await eventually('engine ended', 10_000, async () => ((await sandboxStatus(options)) ? undefined : true));

      expect(currentMountsBelow(layout.dir)).toContain(join(layout.dataRoot, 'volumes/kept/_data'));
      expect(processesInCgroup(layout.cgroup)).not.toEqual([]);
      await cleanSandbox(options);

      expect(existsSync(layout.dir)).toBe(false);
      expect(hashes(data)).toEqual(before);
      expect(currentMountsBelow(options.stateDir)).toEqual([]);
      expect(processesInCgroup(layout.cgroup)).toEqual([]);
      expect(cgroupDirs(layout.cgroup)).toEqual([]);
      expect(processesWithArgs(['-address', layout.containerdSocket])).toEqual([]);
      expect(processesWithArgs(['containerd', '--config', layout.containerdConfig])).toEqual([]);
    } finally {
      await remove();
    }
  });

  test('killed engine: start cleans up, brings containers and data back, and keeps an image that is no stand-in', async () => {
    const { options, remove, files } = place('again');
    try {
      writeFiles(join(files, 'data'), { 'a.txt': 'a' });
      const first = await startSandbox(options);
      await runWithBindVolume(first, join(files, 'data'), '--restart=unless-stopped');
      await run(['tar', '--create', `--file=${files}.tar`, `--directory=${files}`, '.']);
      const official = await dockerOf(first).docker('import', `${files}.tar`, upstream.grafana);
      process.kill(first.pid, 'SIGKILL');
      await eventually('engine ended', 10_000, async () => ((await sandboxStatus(options)) ? undefined : true));

      const second = await startSandbox(options);

      expect(second.pid).not.toBe(first.pid);
      const { docker } = dockerOf(second);
      expect(await docker('image', 'inspect', '--format={{.Id}}', upstream.grafana)).toBe(official);
      expect(await eventually('container is back', 10_000, () => docker('exec', 'user', 'cat', '/kept/a.txt'))).toBe(
        'a',
      );
    } finally {
      await remove();
    }
  });

  test('stop ends containers with their own signal, start brings them back, clean keeps the instances', async () => {
    const { options, remove, layout, files } = place('stopped');
    try {
      writeFiles(join(files, 'data'), { 'a.txt': 'a' });
      const first = await startSandbox(options);
      await runWithBindVolume(first, join(files, 'data'), '--restart=unless-stopped');
      writeFiles(first.instancesDir, { 'dev/.env': 'KEY=value' });

      await stopSandbox(options);
      expect(await sandboxStatus(options)).toBeUndefined();
      expect(currentMountsBelow(layout.dir)).toEqual([]);
      const second = await startSandbox(options);
      const { docker } = dockerOf(second);
      expect(await eventually('container is back', 10_000, () => docker('exec', 'user', 'cat', '/kept/a.txt'))).toBe(
        'a',
      );
      await cleanSandbox(options);
      expect(readdirSync(layout.dir)).toEqual(['instances']);
      expect(readFileSync(join(second.instancesDir, 'dev/.env'), 'utf8')).toBe('KEY=value');
    } finally {
      await remove();
    }
  });

  test("another engine's published port and the firewall rules here stay as they were", async () => {
    const { options, remove, files } = place('beside');
    const name = `outer-${process.pid}`;
    const address = '127.0.10.77:18080';
    writeFiles(files, { 'outer/index.html': 'outer', 'inner/index.html': 'inner' });
    const server = [
      '--stop-timeout=1',
      '--publish',
      `${address}:80`,
      upstream.redis,
      'httpd',
      '-f',
      '-p',
      '80',
      '-h',
      '/www',
    ];
    try {
      await outerDocker('run', '--detach', '--name', name, '--volume', `${join(files, 'outer')}:/www:ro`, ...server);
      const rules = async () => (await run(iptables)).stdout.replace(/^#.*$/gm, '').replace(/\[\d+:\d+\]/g, '');
      const ask = async (...enter: string[]) =>
        (await run([...enter, process.execPath, '-e', fetchText, `http://${address}/`])).stdout;
      await eventually('outer server', 10_000, async () => ((await ask()) === 'outer' ? true : undefined));
      const before = await rules();

      const sandbox = await startSandbox(options);
      const { docker } = dockerOf(sandbox);
      await docker('run', '--detach', '--volume', `${join(files, 'inner')}:/www:ro`, ...server);
      const enter = ['nsenter', `--net=/proc/${sandbox.pid}/ns/net`, '--'];
      await eventually('inner server', 10_000, async () => ((await ask(...enter)) === 'inner' ? true : undefined));

      expect(before).toContain('18080');
      expect(await rules()).toBe(before);
      expect(await ask()).toBe('outer');
      await cleanSandbox(options);
      expect(await rules()).toBe(before);
      expect(await ask()).toBe('outer');
    } finally {
      await outerDocker('rm', '--force', name);
      await remove();
    }
  });

  test('host network: refused where another engine runs in it', async () => {
    const { options, remove } = place('refused');
    try {
      await expect(startSandbox({ ...options, netns: 'host' })).rejects.toMatchObject({ code: 'E_OTHER_ENGINE' });
    } finally {
      await remove();
    }
  });
});

describe('stand-in images', () => {
  const { options, remove, files } = place('images');
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

  test('each says what really is in it, and a second start changes nothing', async () => {
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
    await docker(
      'run',
      '--detach',
      ...options70,
      ...env,
      ...volumes,
      ...limits,
      upstream.db,
      '-c',
      'max_connections=17',
    );
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

  test('postgres: started by root it works as uid 70; without a password it refuses', async () => {
    const { docker, tolerant } = dockerOf(sandbox);
    await docker('run', '--detach', '--name=pg-root', '--env=POSTGRES_PASSWORD=x', upstream.db);
    const ready = () => docker('exec', 'pg-root', 'pg_isready', '-h', '127.0.0.1');
    await eventually('postgres ready', 30_000, ready);
    expect(await docker('exec', 'pg-root', 'stat', '-c', '%u %a', '/var/lib/postgresql/data')).toBe('70 700');
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

  test('grafana: reads provisioning, wants its password, says what it is, and refuses broken files', async () => {
    const { docker, tolerant } = dockerOf(sandbox);
    writeFiles(join(files, 'gf'), {
      'datasources/a.yml':
        'apiVersion: 1\ndatasources:\n  - {name: P, type: prometheus, uid: p, url: http://pr:9090}\n',
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
});
