import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { toolchainKeys } from '../../bootstrap/toolchain/keys.ts';
import { platformOf } from '../../bootstrap/toolchain/parts.ts';
import upstreamImages from '../../docker/images/upstream-images.json' with { type: 'json' };
import type { Finding } from '../../host/errors.ts';
import { print } from '../../host/output.ts';
import { run } from '../../host/process.ts';
import { type Altered, type AlteredDaemon, serveAlteredDaemon } from '../helpers/altered-daemon.ts';
import { docker, gatewayctl, makeShell, type Shell, tearDown, workTree } from '../helpers/engine.ts';
import { serveRegistry, type TagAnswer } from '../helpers/image-registry.ts';
import { trustLoopback } from '../helpers/loopback-trust.ts';
import { writeFiles } from '../helpers/temporary.ts';

const deployedIp = '127.0.10.3';
const bindIp = '127.0.10.4';
const project = 'taxlien-gateway-stage';
/** Every code that the doctor printed in a test of this file. */
const provoked = new Set<string>();
let shell: Shell;

interface Diagnosis {
  readonly exitCode: number;
  readonly findings: readonly Finding[];
  readonly tookMs: { readonly checks: number; readonly logins: number };
}

/** The doctor's findings; `prefix` runs it in another shell, `environment` with other variables. */
async function diagnose(env = 'stage', environment: NodeJS.ProcessEnv = {}, prefix: readonly string[] = []) {
  const { exitCode, stdout } = await run([...prefix, join(shell.checkout.dir, 'gatewayctl'), 'doctor', env, '--json'], {
    cwd: '/',
    env: { ...process.env, TAXLIEN_GATEWAY_ROOT: shell.root, ...environment },
    allowedExitCodes: 'any',
  });
  const found = { ...(JSON.parse(stdout) as Omit<Diagnosis, 'exitCode'>), exitCode };
  for (const { code } of found.findings) provoked.add(code);
  return found;
}

const codesOf = ({ exitCode, findings }: Diagnosis) => ({
  exitCode,
  codes: [...new Set(findings.map(({ code }) => code))].sort(),
});
const healthy = { exitCode: 0, codes: [] };
const error = (...codes: readonly string[]) => ({ exitCode: 1, codes });
const warning = (...codes: readonly string[]) => ({ exitCode: 0, codes });

/** Changes lines of an environment's `.env` for the length of a test. */
function setEnv(env: string, values: Readonly<Record<string, string>>): void {
  const file = join(shell.root, env, '.env');
  const good = readFileSync(file, 'utf8');
  onTestFinished(() => writeFileSync(file, good));
  const lines = good.split('\n').filter((line) => !Object.keys(values).some((key) => line.startsWith(`${key}=`)));
  writeFileSync(file, [...Object.entries(values).map(([key, value]) => `${key}=${value}`), ...lines].join('\n'));
}

/** Changes a file for the length of a test. */
function changeFile(path: string, change: (text: string) => string): void {
  const good = readFileSync(path, 'utf8');
  onTestFinished(() => writeFileSync(path, good));
  writeFileSync(path, change(good));
}

beforeAll(async () => {
  shell = await makeShell('doctor');
  await gatewayctl(shell, ['init', 'stage', '--bind-ip', bindIp]);
  await gatewayctl(shell, ['init', 'dev', '--bind-ip', deployedIp]);
  await gatewayctl(shell, ['up', 'dev']);
});

afterAll(() => tearDown(shell, 'dev'));

describe('no finding', () => {
  test('with a new instance', async () => {
    expect(codesOf(await diagnose())).toEqual(healthy);
  });

  test('with a deployed one, within a second and without a change', async () => {
    const containers = await docker('ps', '--all', '--no-trunc', '--format', '{{.ID}} {{.CreatedAt}}');
    const turns: Diagnosis['tookMs'][] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const found = await diagnose('dev');
      expect(codesOf(found)).toEqual(healthy);
      turns.push(found.tookMs);
    }
    print(`doctor: ${turns.map(({ checks, logins }) => `checks ${checks} ms, logins ${logins} ms`).join('; ')}`);
    // The fastest: the machine is busy with other tests.
    expect(Math.min(...turns.map(({ checks }) => checks))).toBeLessThan(1000);
    expect(await docker('ps', '--all', '--no-trunc', '--format', '{{.ID}} {{.CreatedAt}}')).toBe(containers);
  });
});

describe('the address', () => {
  test.each(['0.0.0.0', '', '::', '224.0.0.1', '10.0.0.256', 'x; id', '192.0.2.1'])(
    'BIND_IP=%s is that one error',
    async (address) => {
      setEnv('stage', { BIND_IP: address });
      expect(codesOf(await diagnose())).toEqual(error('E_BIND_IP'));
    },
  );

  test('of a Docker network', async () => {
    await docker('network', 'create', '--subnet', '10.203.7.0/24', 'doctor-net');
    onTestFinished(() => docker('network', 'rm', 'doctor-net').then(() => {}));
    setEnv('stage', { BIND_IP: '10.203.7.1' });
    expect(codesOf(await diagnose())).toEqual(error('E_BIND_IP_SUBNET'));
  });

  test("and a network of the host that this stack's network hides", async () => {
    const subnet = await docker(
      ...['network', 'inspect', '--format', '{{(index .IPAM.Config 0).Subnet}}', 'taxlien-gateway-dev_default'],
    );
    await run(['ip', 'address', 'add', subnet.replace(/\.0\.0\/16$/, '.200.1/24'), 'dev', 'lo']);
    onTestFinished(() =>
      run(['ip', 'address', 'del', subnet.replace(/\.0\.0\/16$/, '.200.1/24'), 'dev', 'lo']).then(() => {}),
    );
    expect(codesOf(await diagnose('dev'))).toEqual(warning('W_SUBNET'));
  });
});

describe('others on this host', () => {
  test('containers that hold a port and a name, a network and a volume are named', async () => {
    await docker('run', '--detach', '--name', 'holder', '--publish', `${bindIp}:6379:6379`, upstreamImages.redis);
    const label = ['--label', 'com.docker.compose.project=shop'];
    await docker('create', '--name', `${project}-db`, ...label, upstreamImages.redis);
    await docker('network', 'create', `${project}_default`);
    await docker('volume', 'create', ...label, `${project}_postgres`);
    try {
      const found = await diagnose();
      expect(found.findings.map(({ code, message }) => `${code} ${message}`).sort()).toEqual([
        `E_NAME_TAKEN container ${project}-db: is not of this stack (got project shop)`,
        `E_NAME_TAKEN network ${project}_default: is not of this stack (got no project)`,
        `E_NAME_TAKEN volume ${project}_postgres: is not of this stack (got project shop)`,
        `E_PORT_TAKEN ${bindIp}:6379 (redis): is taken (got container holder)`,
      ]);
      expect(found.exitCode).toBe(1);
    } finally {
      await docker('rm', '--force', '--volumes', 'holder', `${project}-db`);
      await docker('network', 'rm', `${project}_default`);
      await docker('volume', 'rm', `${project}_postgres`);
    }
    expect(codesOf(await diagnose())).toEqual(healthy);
  });

  test('a process that holds a port is named by its id', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(5432, bindIp, resolve));
    onTestFinished(() => void server.close());
    const { findings } = await diagnose();
    expect(findings.map(({ message }) => message.replace(/process \S+,/, 'process <name>,'))).toEqual([
      `${bindIp}:5432 (db): is taken (got process <name>, pid ${process.pid})`,
    ]);
  });

  test('a container that mounts our data', async () => {
    const path = join(shell.root, 'stage/data');
    const mount = `type=bind,source=${path},target=/data`;
    await docker('run', '--detach', '--name', 'reader', '--mount', mount, upstreamImages.redis);
    onTestFinished(() => docker('rm', '--force', '--volumes', 'reader').then(() => {}));
    const found = await diagnose();
    expect(codesOf(found)).toEqual(error('E_DATA_IN_USE'));
    expect(found.findings[0]?.message).toBe(`${path}: is mounted by a container outside this stack (got reader)`);
  });

  test('another environment with the same address, name or data', async () => {
    setEnv('stage', { BIND_IP: deployedIp });
    expect(codesOf(await diagnose())).toEqual(error('E_ADDRESS_SHARED', 'E_PORT_TAKEN'));
    setEnv('stage', { BIND_IP: bindIp, COMPOSE_PROJECT_NAME: 'taxlien-gateway-dev' });
    expect(codesOf(await diagnose()).codes).toContain('E_PROJECT_SHARED');
    setEnv('stage', { COMPOSE_PROJECT_NAME: project, DATA_DIR: join(shell.root, 'dev/data') });
    expect(codesOf(await diagnose()).codes).toContain('E_DATA_SHARED');
  });
});

describe('secrets and checkout', () => {
  test('a risk is only a warning', async () => {
    const reused = /^REDIS_PASSWORD=(.*)$/m.exec(readFileSync(join(shell.root, 'dev/.env'), 'utf8'))?.[1] ?? '';
    setEnv('stage', { WORKER_TOKEN: 'changeme-changeme', REDIS_PASSWORD: reused });
    chmodSync(join(shell.root, 'stage/.env'), 0o640);
    onTestFinished(() => chmodSync(join(shell.root, 'stage/.env'), 0o600));
    expect(codesOf(await diagnose())).toEqual(warning('W_ENV_MODE', 'W_SECRET_REUSED', 'W_SECRET_WEAK'));
  });

  test('prod on a loopback address is a warning', async () => {
    await gatewayctl(shell, ['init', 'prod', '--bind-ip', '127.0.10.5']);
    onTestFinished(() => rmSync(join(shell.root, 'prod'), { recursive: true }));
    expect(codesOf(await diagnose('prod'))).toEqual(warning('W_LOOPBACK'));
  });

  test('uncommitted changes', async () => {
    changeFile(join(shell.checkout.dir, 'README.md'), (text) => `${text}\nA line.\n`);
    expect(codesOf(await diagnose())).toEqual(error('E_DIRTY'));
  });

  test('a password that is not that of the database, and a passphrase that is not that of the state', async () => {
    setEnv('dev', { POSTGRES_PASSWORD: 'b7c1e9a04d2f58336a91' });
    changeFile(join(shell.root, 'dev/secrets/pulumi-passphrase'), () => 'another one\n');
    expect(codesOf(await diagnose('dev'))).toEqual(error('E_PASSPHRASE_OTHER', 'E_POSTGRES_PASSWORD'));
  });

  test('a password that is not that of a database which trusts loopback, as an adopted one does', async () => {
    onTestFinished(await trustLoopback(shell.root, 'dev'));
    expect(codesOf(await diagnose('dev'))).toEqual(healthy);
    setEnv('dev', { POSTGRES_PASSWORD: 'b7c1e9a04d2f58336a91' });
    expect(codesOf(await diagnose('dev'))).toEqual(error('E_POSTGRES_PASSWORD'));
  });

  test('a database that is disconnected from its network', async () => {
    const [network, database] = ['taxlien-gateway-dev_default', 'taxlien-gateway-dev-db'];
    await docker('network', 'disconnect', network, database);
    onTestFinished(() => docker('network', 'connect', '--alias', 'db', network, database).then(() => {}));
    const found = await diagnose('dev');
    expect(codesOf(found)).toEqual(warning('W_DATABASE_LOGIN'));
    expect(found.findings[0]?.message).toMatch(/^taxlien-gateway-dev-db: must let gateway log in \(got .*"db"/);
    expect(found.tookMs.logins).toBeLessThan(30_000);
  });
});

describe('the directory of the data', () => {
  test('in the checkout, or behind a link', async () => {
    setEnv('stage', { DATA_DIR: join(shell.checkout.dir, 'data') });
    expect(codesOf(await diagnose())).toEqual(error('E_DATA_IN_CHECKOUT'));
    const link = join(shell.root, 'link');
    symlinkSync(join(shell.root, 'stage/data'), link);
    setEnv('stage', { DATA_DIR: link });
    expect(codesOf(await diagnose())).toEqual(error('E_DATA_SYMLINK'));
  });

  test('in memory, with little room', async () => {
    const dir = mkdtempSync(join(shell.root, 'tmpfs-'));
    await run(['mount', '-t', 'tmpfs', '-o', 'size=16m', 'none', dir]);
    onTestFinished(() => run(['umount', dir]).then(() => {}));
    setEnv('stage', { DATA_DIR: dir });
    expect(codesOf(await diagnose())).toEqual(warning('W_DATA_TMPFS', 'W_DISK_FULL'));
    await gatewayctl(shell, ['init', 'prod', '--bind-ip', '127.0.10.5']);
    onTestFinished(() => rmSync(join(shell.root, 'prod'), { recursive: true }));
    setEnv('stage', { DATA_DIR: join(shell.root, 'stage/data') });
    setEnv('prod', { DATA_DIR: dir });
    expect(codesOf(await diagnose('prod'))).toEqual(error('E_DATA_TMPFS', 'W_DISK_FULL', 'W_LOOPBACK'));
  });

  test.each<[string, string, Readonly<Record<string, string>>]>([
    ['E_DATA_FOREIGN', 'redis', { instanceId: 'another' }],
    ['E_DATA_DEVICE', 'raw', { mountPoint: '/mnt/disk' }],
    ['E_DATA_MAJOR', 'postgres', { imageMajor: '15' }],
  ])('%s: a marker with other content', async (code, volume, other) => {
    changeFile(join(shell.root, `dev/data/.owners/${volume}.json`), (text) =>
      JSON.stringify({ ...(JSON.parse(text) as object), ...other }),
    );
    expect(codesOf(await diagnose('dev'))).toEqual(error(code));
  });

  test('a damaged marker', async () => {
    changeFile(join(shell.root, 'dev/data/.owners/grafana.json'), (text) => text.slice(0, 20));
    expect(codesOf(await diagnose('dev'))).toEqual(error('E_DAMAGED_FILE'));
  });

  test('a directory that is gone, and one of another owner', async () => {
    const dir = join(shell.root, 'dev/data/redis');
    renameSync(dir, `${dir}.gone`);
    expect(codesOf(await diagnose('dev'))).toEqual(error('E_DATA_EMPTY'));
    renameSync(`${dir}.gone`, dir);
    const { uid, gid } = statSync(dir);
    chownSync(dir, 0, 0);
    onTestFinished(() => chownSync(dir, uid, gid));
    expect(codesOf(await diagnose('dev'))).toEqual(error('E_DATA_OWNER'));
  });

  test('an unfinished move, adoption or rotation', async () => {
    const files = ['dev/move-data.json', 'dev/adoption.json', 'dev/secrets/rotation.json'];
    const [move, adoption, rotation] = files.map((name) => join(shell.root, name));
    const kept = { containers: [], volumes: [] };
    const plan = { env: 'dev', project: 'shop', data: [], containers: [], networks: [], volumes: [], kept };
    writeFileSync(adoption ?? '', JSON.stringify({ phase: 'copying', backupDir: '/srv/backup', plan }));
    writeFileSync(
      move ?? '',
      JSON.stringify({ from: join(shell.root, 'dev/data'), to: '/srv/new', phase: 'switching' }),
    );
    writeFileSync(rotation ?? '', JSON.stringify({ variable: 'REDIS_PASSWORD', before: 'a', after: 'b' }));
    onTestFinished(() => {
      for (const path of [move, adoption, rotation]) rmSync(path ?? '');
    });
    expect(codesOf(await diagnose('dev'))).toEqual(error('E_ADOPT_OPEN', 'E_MOVE_OPEN', 'E_ROTATION_OPEN'));
  });

  test('a DATA_DIR that differs from markers and volumes', async () => {
    setEnv('dev', { DATA_DIR: join(shell.root, 'elsewhere') });
    expect(codesOf(await diagnose('dev'))).toEqual(error('E_DATA_MOVED', 'E_VOLUME_DEVICE'));
  });
});

describe('the images', () => {
  const upstream = () => join(shell.checkout.dir, 'docker/images/upstream-images.json');
  const useRedis = (reference: string) =>
    changeFile(upstream(), (text) => JSON.stringify({ ...(JSON.parse(text) as object), redis: reference }));
  const found = async () =>
    (await diagnose('dev')).findings.map(
      ({ code, message }) => `${code} ${message.replace(/ \(got docker at .*/, '')}`,
    );

  test.each<[TagAnswer, readonly string[]]>([
    ['has', []],
    ['lacks', ['E_IMAGE_TAG']],
    // The deploy may log in, or the registry may answer then.
    [401, []],
    [429, []],
    [503, []],
  ])('one that is not on the daemon, and whose registry answers %s', async (answer, codes) => {
    const registry = await serveRegistry((tag) => (tag === '7.4.7-alpine3.23' ? answer : 'has'));
    const reference = `${registry}/library/redis:7.4.7-alpine3.23`;
    useRedis(reference);
    const rule = 'must exist in its registry (got no such tag)';
    expect(await found()).toEqual(
      codes.map((code) => `${code} docker/images/upstream-images.json (redis): ${reference} ${rule}`),
    );
  });

  test('ones that are not on the daemon, while no registry answers', async () => {
    useRedis('redis:7.4.7-alpine3.23');
    changeFile(join(shell.checkout.dir, 'Dockerfile.gateway'), (text) =>
      text.replace(/^FROM golang:\S+/, 'FROM golang:1.2.3-bookworm'),
    );
    const rule = 'is not on the daemon, and no registry answers it';
    expect(await found()).toEqual([
      `E_IMAGE_MISSING docker/images/upstream-images.json (redis): redis:7.4.7-alpine3.23 ${rule}`,
      `E_IMAGE_MISSING Dockerfile.gateway (gateway): golang:1.2.3-bookworm ${rule}`,
    ]);
    const containers = await docker('ps', '--all', '--no-trunc', '--quiet');
    const { exitCode, stdout } = await gatewayctl(shell, ['up', 'dev'], 'any');
    expect([exitCode, stdout]).toEqual([1, expect.stringMatching(/nothing was changed:\s+E_IMAGE_MISSING/)]);
    expect(await docker('ps', '--all', '--no-trunc', '--quiet')).toBe(containers);
  });

  test('the base of the gateway is not reported as missing after the build', async () => {
    const text = readFileSync(join(shell.checkout.dir, 'Dockerfile.gateway'), 'utf8');
    const golang = /^FROM (\S+)/.exec(text)?.[1] ?? '';
    await docker('tag', golang, 'kept:1');
    await docker('rmi', golang);
    onTestFinished(async () => {
      await docker('tag', 'kept:1', golang);
      await docker('rmi', 'kept:1');
    });
    expect(await found()).toEqual([]);
  });
});

describe('the daemon', () => {
  async function alteredDaemon(altered: Altered): Promise<AlteredDaemon> {
    const daemon = await serveAlteredDaemon(altered);
    onTestFinished(() => daemon.stop());
    return daemon;
  }

  test('that does not answer', async () => {
    expect(codesOf(await diagnose('stage', { DOCKER_HOST: 'unix:///nonexistent.sock' }))).toEqual(error('E_DAEMON'));
  });

  test('that this user may not use', async () => {
    const { socket, dockerHost } = await alteredDaemon({});
    chownSync(socket, 1, 1);
    chmodSync(socket, 0o600);
    // Root without capabilities is an ordinary user who owns this test's files.
    const bare = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'];
    expect(codesOf(await diagnose('stage', { DOCKER_HOST: dockerHost }, bare))).toEqual(error('E_DAEMON_PERMISSION'));
  });

  test.each<[string, 0 | 1, Altered]>([
    ['E_DAEMON_API', 1, { version: { ApiVersion: '1.40', MinAPIVersion: '1.24' } }],
    ['E_DAEMON_ARCH', 1, { version: { Arch: 's390x' } }],
    ['W_STORAGE_DRIVER', 0, { info: { Driver: 'vfs' } }],
    ['W_DATA_NOT_SHARED', 0, { info: { OperatingSystem: 'Docker Desktop' } }],
  ])('%s, exit %d, by a stand-in that answers %j', async (code, exitCode, altered) => {
    const { dockerHost } = await alteredDaemon(altered);
    setEnv('stage', { DATA_DIR: '/opt/taxlien-gateway-none/data' });
    expect(codesOf(await diagnose('stage', { DOCKER_HOST: dockerHost }))).toEqual({ exitCode, codes: [code] });
  });

  test('that requires a newer API than that of the docker plugin built here', async () => {
    const { dockerHost } = await alteredDaemon({ version: { ApiVersion: '1.52', MinAPIVersion: '1.45' } });
    const cache = mkdtempSync(join(shell.root, 'cache-'));
    const { built } = toolchainKeys(join(workTree, 'bootstrap/toolchain'), platformOf(process.platform, process.arch));
    const part = { version: '5.2.0', origin: 'built', source: 'for the test', problems: [] };
    const parts = { pulumi: part, 'language-nodejs': part, docker: part, command: part };
    writeFiles(join(cache, 'taxlien-gateway/toolchain', built), { 'toolchain.json': JSON.stringify(parts) });
    const found = await diagnose('stage', { DOCKER_HOST: dockerHost, XDG_CACHE_HOME: cache });
    expect(codesOf(found)).toEqual(error('E_DAEMON_API_PLUGIN'));
  });

  test('that is not the one of the last deploy', async () => {
    const { dockerHost } = await alteredDaemon({ info: { ID: 'another' } });
    const found = await diagnose('dev', { DOCKER_HOST: dockerHost });
    expect(codesOf(found)).toEqual(error('E_DAEMON_OTHER'));
  });

  test('that is not the one of the current docker context', async () => {
    const config = mkdtempSync(join(shell.root, 'docker-config-'));
    const environment = { DOCKER_CONFIG: config };
    const context = ['docker', 'context', 'create', 'work', '--docker', 'host=unix:///run/work.sock'];
    await run(context, { env: { ...process.env, ...environment } });
    appendFileSync(join(config, 'config.json'), JSON.stringify({ currentContext: 'work' }));
    expect(codesOf(await diagnose('stage', environment))).toEqual(warning('W_DOCKER_CONTEXT'));
  });
});

test('every code of the checks was provoked', () => {
  const dir = join(workTree, 'preflight');
  const sources = [...readdirSync(dir).map((name) => join(dir, name)), join(workTree, 'cli/deploy/logins.ts')];
  const codes = sources.flatMap((path) => readFileSync(path, 'utf8').match(/\b[EW]_[A-Z_]+\b/g) ?? []);
  const notFindings = ['E_PREFLIGHT'];
  expect([...new Set(codes)].filter((code) => !notFindings.includes(code) && !provoked.has(code))).toEqual([]);
});
