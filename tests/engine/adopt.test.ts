import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../host/process.ts';
import { composeProgram } from '../helpers/compose.ts';
import { composeFile, project, shopFile } from '../helpers/compose-files.ts';
import { docker, eventually, gatewayctl, makeShell, type Shell, tearDown } from '../helpers/engine.ts';
import { killTree, startGatewayctl } from '../helpers/killed.ts';
import { treeEntries } from '../helpers/tree.ts';
import { completeTask, envValue, fetchResult, sha256, workerOf } from '../helpers/worker.ts';

/** Paths and contents of all files below a directory, except the `.keep` of a deploy. */
function treeHash(dir: string): string {
  const hash = createHash('sha256');
  for (const { name, content } of treeEntries(dir, (each) => each !== '.keep'))
    hash.update(`${name}\n`).update(content);
  return hash.digest('hex');
}

async function inspectAll(name: string): Promise<string> {
  const label = ['--quiet', '--filter', `label=com.docker.compose.project=${name}`];
  const lists = [
    ['ps', '--all', '--no-trunc'],
    ['network', 'ls', '--no-trunc'],
    ['volume', 'ls'],
  ];
  const ids = await Promise.all(lists.map((list) => docker(...list, ...label)));
  const found = await docker('inspect', ...ids.flatMap((text) => text.split('\n')).filter((id) => id !== ''));
  const objects = JSON.parse(found) as { Mounts?: { Destination: string }[] }[];
  // Docker lists mounts in an order that differs from call to call.
  for (const { Mounts } of objects) Mounts?.sort((a, b) => (a.Destination < b.Destination ? -1 : 1));
  return JSON.stringify(objects, undefined, 1);
}

describe('a Compose project of the five services', () => {
  let shell: Shell;
  let compose: (...args: string[]) => Promise<string>;
  let shop: (...args: string[]) => Promise<string>;
  let shopBefore: string;
  let tasks: string[];
  let rows: string;
  let keys: string;
  /** Directories of the host behind the project's data, by volume of the stack. */
  let sources: Record<string, string>;
  const results = [1, 2, 3].map((number) => new TextEncoder().encode(`result ${number} `.repeat(5_000)));
  const setting = (key: string) => envValue(shell.root, 'dev', key);
  const data = (volume: string) => join(shell.root, 'dev/data', volume);
  const adopt = (...args: string[]) => gatewayctl(shell, ['adopt', 'dev', ...args], 'any');

  /** All rows of all tables, in one order. */
  const readRows = async (container: string) => {
    const dump = ['pg_dump', '--username', setting('POSTGRES_USER'), '--dbname', setting('POSTGRES_DB'), '--inserts'];
    const lines = (await docker('exec', container, ...dump, '--data-only')).split('\n');
    return lines
      .filter((line) => line.startsWith('INSERT'))
      .sort()
      .join('\n');
  };
  const redis = (...args: string[]) =>
    docker('exec', '--env', `REDISCLI_AUTH=${setting('REDIS_PASSWORD')}`, `${project}-redis`, 'redis-cli', ...args);
  const readKeys = async () => {
    const names = (await redis('--scan', '--pattern', 'test:*')).split('\n').sort();
    return (await Promise.all(names.map((name) => redis('get', name)))).join('\n');
  };
  /** SIGKILL as soon as a run reports the start of a step. */
  const killAt = async (step: string) => {
    const { child, output, ended } = startGatewayctl(shell, ['adopt', 'dev']);
    child.stderr?.on('data', () => {
      if (output().includes(step)) killTree(child.pid ?? 0);
    });
    expect([await ended, output()]).toEqual([null, expect.stringContaining(step)]);
  };
  const readResults = () =>
    Promise.all(tasks.map(async (id) => sha256(await fetchResult(workerOf(shell.root, 'dev'), id))));
  const hashes = () => Object.fromEntries(Object.entries(sources).map(([volume, dir]) => [volume, treeHash(dir)]));

  beforeAll(async () => {
    shell = await makeShell('adopt');
    await gatewayctl(shell, ['init', 'dev', '--bind-ip', '127.0.10.1']);
    writeFileSync(join(shell.root, 'dev/.env'), 'POSTGRES_DB=lien\nPOSTGRES_USER=clerk\n', { flag: 'a' });
    const program = await composeProgram();
    const composeIn = (dir: string, text: string) => {
      mkdirSync(join(shell.root, dir, 'secrets'), { recursive: true });
      writeFileSync(join(shell.root, dir, 'compose.yaml'), text);
      return async (...args: string[]) =>
        (await run([program, '--project-directory', join(shell.root, dir), ...args])).stdout;
    };
    compose = composeIn('compose', composeFile(setting));
    shop = composeIn('shop', shopFile);
    for (const [name, key] of [
      ['db_password', 'POSTGRES_PASSWORD'],
      ['redis_password', 'REDIS_PASSWORD'],
      ['worker_token', 'WORKER_TOKEN'],
    ] as const) {
      writeFileSync(join(shell.root, 'compose/secrets', name), setting(key));
    }
    const built = join(shell.root, 'gateway');
    await run(['go', 'build', '-trimpath', '-buildvcs=false', '-o', join(built, 'gateway'), './cmd/gateway'], {
      cwd: shell.checkout.dir,
      env: { ...process.env, CGO_ENABLED: '0' },
    });
    await run(['tar', '--create', '--file', join(built, 'image.tar'), '--directory', built, 'gateway']);
    const image = ['--change', 'ENTRYPOINT ["/gateway"]', '--change', 'CMD ["serve"]', join(built, 'image.tar')];
    await docker('import', ...image, 'adopt/gateway');
    await shop('up', '--detach', '--pull', 'never');
    await compose('run', '--rm', '--no-TTY', 'gateway', 'migrate');
    await compose('up', '--detach', '--pull', 'never');
    await eventually('a gateway that is ready', 60_000, async () =>
      (await workerOf(shell.root, 'dev').request('GET', '/readyz')).ok ? true : undefined,
    );
    tasks = [];
    for (const result of results) tasks.push(await completeTask(workerOf(shell.root, 'dev'), result));
    for (const number of [1, 2, 3]) await redis('set', `test:${number}`, `value ${number}`);
    rows = await readRows(`${project}-db-1`);
    keys = await readKeys();
  });

  afterAll(async () => {
    await shop('down', '--volumes');
    await compose('down', '--volumes');
    await tearDown(shell, 'dev');
  });

  test('with another name is not found, so there is nothing to adopt', async () => {
    await gatewayctl(shell, ['init', 'stage', '--bind-ip', '127.0.10.2']);
    const { exitCode, stderr } = await gatewayctl(shell, ['adopt', 'stage', '--dry-run'], 'any');
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringContaining('has no container of a Compose project taxlien-gateway-stage'),
    ]);
  });

  test('is not adopted while it runs; up and doctor name the verb', async () => {
    const running = async () => (await docker('ps', '--no-trunc', '--format', '{{.ID}} {{.Names}}')).split('\n').sort();
    const before = await running();
    const { exitCode, stderr } = await adopt();
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`E_ADOPT_RUNNING  container ${project}-db-1: must be stopped (got running)`);
    expect(stderr).toContain(`docker compose -p ${project} stop`);
    expect(await running()).toEqual(before);
    const up = await gatewayctl(shell, ['up', 'dev'], 'any');
    expect(up.stdout + up.stderr).toContain('./gatewayctl adopt dev');
    const doctor = await gatewayctl(shell, ['doctor', 'dev'], 'any');
    expect(doctor.stdout).toContain('./gatewayctl adopt dev');
  });

  test('a dry run shows the whole plan, starts nothing and changes nothing', async () => {
    await compose('stop');
    shopBefore = await inspectAll('shop');
    const since = `${Math.floor(Date.now() / 1000)}`;
    const listed = () => (readdirSync(join(shell.root, 'dev'), { recursive: true }) as string[]).sort();
    const [files, before] = [listed(), await inspectAll(project)];
    const { exitCode, stdout, stderr } = await adopt('--dry-run', '--json');
    expect(exitCode, stdout + stderr).toBe(0);
    const { plan, findings } = JSON.parse(stdout);
    expect(findings).toEqual([]);
    expect(plan.networks).toEqual([`${project}_default`]);
    expect(plan.containers.map(({ name }: { name: string }) => name).sort()).toEqual(
      ['db-1', 'gateway-1', 'grafana-1', 'prometheus-1', 'redis'].map((name) => `${project}-${name}`),
    );
    expect(plan.volumes).toEqual([`${project}_redis`]);
    type Planned = {
      volume: string;
      from: { type: string; source: string };
      isDockerManaged: boolean;
      isInPlace: boolean;
    };
    const found = Object.fromEntries((plan.data as Planned[]).map((each) => [each.volume, each]));
    expect(found).toMatchObject({
      postgres: { from: { type: 'volume', source: `${project}_pgdata` }, isDockerManaged: true, isInPlace: false },
      redis: { from: { type: 'volume', source: `${project}_redis` }, isDockerManaged: true, isInPlace: false },
      raw: {
        from: { type: 'bind', source: join(shell.root, 'compose/raw') },
        isDockerManaged: false,
        isInPlace: false,
      },
      prometheus: { from: { type: 'volume' }, isDockerManaged: true, isInPlace: false },
      grafana: { from: { type: 'bind', source: data('grafana') }, isDockerManaged: false, isInPlace: true },
    });
    const text = await adopt('--dry-run');
    expect(text.stdout).toContain(`to do this: ./gatewayctl adopt dev`);
    expect(listed()).toEqual(files);
    expect(await inspectAll(project)).toBe(before);
    const until = `${Math.ceil(Date.now() / 1000)}`;
    const made = ['--filter', 'type=container', '--filter', 'event=create'];
    expect(await docker('events', '--since', since, '--until', until, ...made)).toBe('');
    sources = Object.fromEntries(
      await Promise.all(
        Object.values(found).map(async ({ volume, from }) => [
          volume,
          from.type === 'bind' ? from.source : await docker('volume', 'inspect', '-f', '{{.Mountpoint}}', from.source),
        ]),
      ),
    );
  });

  test('another major version, other names and existing data are refused, and nothing is changed', async () => {
    const version = join(sources.postgres ?? '', 'PG_VERSION');
    const envFile = join(shell.root, 'dev/.env');
    const env = readFileSync(envFile, 'utf8');
    const before = await inspectAll(project);
    writeFileSync(version, '15\n');
    writeFileSync(envFile, env.replace('POSTGRES_USER=clerk', 'POSTGRES_USER=other'));
    mkdirSync(join(data('raw'), 'something'), { recursive: true });
    const { exitCode, stderr } = await adopt();
    writeFileSync(version, '16\n');
    writeFileSync(envFile, env);
    await run(['rm', '-r', data('raw')]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('nothing was changed:');
    expect(stderr).toContain(`E_ADOPT_MAJOR  container ${project}-db-1: its database must be PostgreSQL 16 (got 15)`);
    expect(stderr).toContain(`must be that of container ${project}-db-1 (got other, it has clerk)`);
    expect(stderr).toContain(`E_ADOPT_TARGET  ${data('raw')}: must be empty or missing`);
    expect(await inspectAll(project)).toBe(before);
    expect(readdirSync(data(''))).toEqual(['grafana']);
  });

  test('a kill at any step leaves the source complete; the run after the last kill finishes', async () => {
    const before = hashes();
    const steps = [
      'backing up postgres',
      'copying postgres',
      'copying raw',
      'removing containers',
      'removing network',
      'removing volumes',
    ];
    for (const step of steps) {
      await killAt(step);
      // The stack needs this volume's name: it is removed last, after two copies are verified, and the daemon may be at it.
      const there = Object.keys(sources).filter((volume) => volume !== 'redis' || step !== 'removing volumes');
      for (const volume of there) expect(treeHash(sources[volume] ?? ''), `${step}: ${volume}`).toBe(before[volume]);
      if (step === 'copying raw') {
        const up = await gatewayctl(shell, ['up', 'dev'], 'any');
        expect([up.exitCode, up.stdout + up.stderr]).toEqual([1, expect.stringContaining('E_ADOPT_OPEN')]);
      }
    }
    const { exitCode, stdout, stderr } = await adopt();
    expect(exitCode, stdout + stderr).toBe(0);
    expect(stdout).toContain('Deploy on it: ./gatewayctl up dev');
    expect(stdout).toContain(`${project}_pgdata`);
    const [backup] = readdirSync(join(shell.root, 'dev/backups')).filter((name) => name.startsWith('adopt-'));
    const backupDir = join(shell.root, 'dev/backups', backup ?? '');
    for (const volume of ['postgres', 'redis', 'prometheus']) {
      expect(treeHash(join(backupDir, volume)), volume).toBe(before[volume]);
    }
    for (const volume of ['postgres', 'raw', 'prometheus', 'grafana']) {
      expect(treeHash(data(volume)), volume).toBe(before[volume]);
    }
    expect(treeHash(sources.postgres ?? '')).toBe(before.postgres);
    expect(readFileSync(join(backupDir, 'inspect.json'), 'utf8')).toContain(`${project}_pgdata`);
    expect(lstatSync(join(backupDir, 'inspect.json')).mode & 0o777).toBe(0o600);
    const again = await adopt('--dry-run');
    expect(again.stdout).toContain('is adopted');
  });

  test('after a deploy every row, key and raw body is the same, and no other project was touched', async () => {
    const { exitCode, stdout, stderr } = await gatewayctl(shell, ['up', 'dev'], 'any');
    expect(exitCode, stdout + stderr).toBe(0);
    expect(rows).toContain('INSERT INTO');
    expect(await readRows(`${project}-db`)).toBe(rows);
    expect(keys.split('\n')).toHaveLength(3);
    expect(await readKeys()).toBe(keys);
    expect(await readResults()).toEqual(results.map(sha256));
    expect(readdirSync(data('raw'), { recursive: true }).length).toBeGreaterThan(results.length);
    const owner = (volume: string) => `${lstatSync(data(volume)).uid}:${lstatSync(data(volume)).gid}`;
    expect([owner('raw'), owner('grafana'), owner('postgres')]).toEqual(['65532:65532', '472:0', '70:70']);
    const log = await docker('logs', `${project}-db`);
    expect(log).not.toMatch(/not properly shut down|automatic recovery/);
    expect(await inspectAll('shop')).toBe(shopBefore);
    const doctor = await gatewayctl(shell, ['doctor', 'dev', '--json']);
    expect(JSON.parse(doctor.stdout)).toMatchObject({ findings: [] });
    const envFile = join(shell.root, 'dev/.env');
    const env = readFileSync(envFile, 'utf8');
    writeFileSync(envFile, env.replace(setting('POSTGRES_PASSWORD'), 'b7c1e9a04d2f58336a91'));
    const other = await gatewayctl(shell, ['doctor', 'dev', '--json'], 'any');
    writeFileSync(envFile, env);
    expect(JSON.parse(other.stdout)).toMatchObject({ findings: [{ code: 'E_POSTGRES_PASSWORD' }] });
    const deployed = await adopt();
    expect([deployed.exitCode, deployed.stdout]).toEqual([0, expect.stringContaining('adopted: the data of')]);
  });
});
