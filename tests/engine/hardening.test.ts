import { appendFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../host/process.ts';
import { accounts, ownerOf, shellOf, tearDownShell } from '../helpers/account.ts';
import { containerIds, docker, eventually, gatewayctl, listening, type Shell } from '../helpers/engine.ts';
import { modesOf, modeTable } from '../helpers/modes.ts';
import { authenticationAsked } from '../helpers/postgres-wire.ts';
import { envValue } from '../helpers/worker.ts';

const project = 'taxlien-gateway-dev';
const bindIp = '127.0.10.1';

/** What every container has in common. */
const common = {
  capabilities: '-ALL',
  security: 'no-new-privileges',
  root: 'read-only',
  restart: 'unless-stopped',
  logs: 'json-file max-file=3 max-size=10m',
  // An engine before 26.0 names the bridge mode "default". The container is attached only to the network that it is given.
  network: `default: ${project}_default`,
  shared: 'pid= ipc=private uts= userns= privileged=false devices=0 autoremove=false',
};

/** What differs between containers: the table that docs/security.md links to. */
const table = {
  gateway: {
    ...common,
    user: '65532:65532',
    memory: '256 MiB, no swap',
    tmpfs: {},
    mounts: ['data/raw:/data/raw', 'secrets/gateway:/run/secrets:ro'],
    ports: [`${bindIp}:8081->8081/tcp`],
  },
  db: {
    ...common,
    user: '70:70',
    memory: '512 MiB, no swap',
    tmpfs: { '/run/postgresql': 'uid=70,gid=70,mode=0750', '/tmp': 'mode=1777' },
    mounts: ['data/postgres:/var/lib/postgresql/data', 'secrets/db:/run/secrets:ro'],
    ports: [`${bindIp}:5432->5432/tcp`],
  },
  redis: {
    ...common,
    user: '999:1000',
    memory: '256 MiB, no swap',
    tmpfs: {},
    mounts: ['data/redis:/data', 'secrets/redis:/run/secrets:ro'],
    ports: [`${bindIp}:6379->6379/tcp`],
  },
  prometheus: {
    ...common,
    user: '65534:65534',
    memory: '512 MiB, no swap',
    tmpfs: {},
    mounts: ['config/<sha256>:/etc/prometheus:ro', 'data/prometheus:/prometheus'],
    ports: [`${bindIp}:9090->9090/tcp`],
  },
  grafana: {
    ...common,
    user: '472:0',
    memory: '512 MiB, no swap',
    tmpfs: { '/tmp': 'mode=1777' },
    mounts: [
      'config/<sha256>:/etc/grafana/dashboards:ro',
      'config/<sha256>:/etc/grafana/provisioning:ro',
      'data/grafana:/var/lib/grafana',
      'secrets/grafana:/run/secrets:ro',
    ],
    ports: [`${bindIp}:3000->3000/tcp`],
  },
};
const services = Object.keys(table) as (keyof typeof table)[];

describe.each(accounts)('an environment deployed by %s', (account) => {
  let shell: Shell;

  beforeAll(async () => {
    shell = await shellOf(account, 'hardening', '027');
    await gatewayctl(shell, ['up', 'dev']);
  });

  afterAll(async () => {
    await tearDownShell(shell, 'dev');
  });

  test('every container is as in the table', async () => {
    const found = await Promise.all(services.map(async (service) => [service, await rowOf(service)]));
    expect(Object.fromEntries(found)).toEqual(table);
  });

  async function rowOf(service: string) {
    const [container] = JSON.parse(await docker('container', 'inspect', `${project}-${service}`));
    const { Config, HostConfig: host, Mounts } = container;
    const devices: Record<string, string> = {};
    for (const { Name } of Mounts.filter(({ Type }: { Type: string }) => Type === 'volume')) {
      devices[Name] = await docker('volume', 'inspect', '--format', '{{.Options.device}}', Name);
    }
    const signed = (list: readonly string[] | null, sign: string) => (list ?? []).map((name) => `${sign}${name}`);
    const memory = host.Memory / 2 ** 20;
    return {
      user: Config.User,
      capabilities: [...signed(host.CapAdd, '+'), ...signed(host.CapDrop, '-')].join(' '),
      security: host.SecurityOpt.join(' '),
      root: host.ReadonlyRootfs ? 'read-only' : 'writable',
      tmpfs: host.Tmpfs ?? {},
      memory: `${memory} MiB, ${host.MemorySwap === host.Memory ? 'no swap' : 'swap'}`,
      logs: [host.LogConfig.Type, ...Object.entries(host.LogConfig.Config).map((pair) => pair.join('='))].join(' '),
      restart: host.RestartPolicy.Name,
      mounts: Mounts.map(
        ({ Name = '', Source, Destination, RW }: { Name?: string; Source: string; Destination: string; RW: boolean }) =>
          `${devices[Name] ?? Source}:${Destination}${RW ? '' : ':ro'}`
            .replace(join(shell.root, 'dev/'), '')
            .replace(/config\/[0-9a-f]{64}/, 'config/<sha256>'),
      ).toSorted(),
      ports: Object.entries(host.PortBindings as Record<string, { HostIp: string; HostPort: string }[]>).flatMap(
        ([inside, bindings]) => bindings.map(({ HostIp, HostPort }) => `${HostIp}:${HostPort}->${inside}`),
      ),
      network: `${host.NetworkMode}: ${Object.keys(container.NetworkSettings.Networks).join(' ')}`,
      shared: `pid=${host.PidMode} ipc=${host.IpcMode} uts=${host.UTSMode} userns=${host.UsernsMode} privileged=${host.Privileged} devices=${(host.Devices ?? []).length} autoremove=${host.AutoRemove}`,
    };
  }

  const inside = async (service: string, stdin: string, ...argv: string[]) => {
    const command = ['docker', 'exec', '--interactive', `${project}-${service}`, ...argv];
    const { exitCode, stdout, stderr } = await run(command, { stdin, allowedExitCodes: 'any' });
    return `${exitCode} ${stdout}${stderr}`.trim();
  };

  test('Redis requires a password on every path', async () => {
    expect(await answerOf(6379, 'PING\r\n')).toMatch(/^-NOAUTH /);
    expect(await inside('redis', '', 'redis-cli', 'ping')).toMatch(/NOAUTH/);
    expect(await inside('redis', '', 'redis-cli', '-h', 'redis', 'ping')).toMatch(/NOAUTH/);
    expect(await answerOf(6379, `AUTH ${'x'.repeat(32)}\r\n`)).toMatch(/^-WRONGPASS /);
    expect(await answerOf(6379, `AUTH ${envValue(shell.root, 'dev', 'REDIS_PASSWORD')}\r\n`)).toBe('+OK\r\n');
  });

  test('PostgreSQL accepts only SCRAM with a password, on its socket too', async () => {
    const ask = ['psql', '--no-password', '-U', 'gateway', '-d', 'gateway', '-Atc', 'show password_encryption'];
    for (const host of [[], ['-h', '127.0.0.1'], ['-h', 'db']]) {
      expect(await inside('db', '', ...ask, ...host)).toMatch(/^2 .*no password supplied/);
      const withPassword = ['sh', '-c', 'IFS= read -r PGPASSWORD && export PGPASSWORD && exec "$@"', 'sh'];
      const password = envValue(shell.root, 'dev', 'POSTGRES_PASSWORD');
      expect(await inside('db', `${password}\n`, ...withPassword, ...ask, ...host)).toBe('0 scram-sha-256');
      expect(await inside('db', 'wrong\n', ...withPassword, ...ask, ...host)).toMatch(/^2 .*authentication failed/);
    }
    const rules = (await inside('db', '', 'cat', '/var/lib/postgresql/data/pg_hba.conf')).split('\n');
    const methods = rules.filter((line) => /^(local|host)/.test(line)).map((line) => line.split(/\s+/).at(-1));
    expect(methods.length).toBeGreaterThan(3);
    expect([...new Set(methods)]).toEqual(['scram-sha-256']);
  });

  test.each([
    ['the role of the gateway', { user: 'gateway', database: 'gateway' }],
    ['the superuser of other images', { user: 'postgres', database: 'postgres' }],
    ['a role that is not there', { user: 'nobody', database: 'gateway' }],
    ['a database that is not there', { user: 'gateway', database: 'nothing' }],
  ])('PostgreSQL requires SCRAM of %s over the network, and accepts no password in clear', async (_, startup) => {
    const { asked, answered } = await authenticationAsked(
      { host: bindIp, port: 5432, startup },
      envValue(shell.root, 'dev', 'POSTGRES_PASSWORD'),
    );
    expect(asked).toBe('SASL SCRAM-SHA-256');
    expect(answered).toMatch(/^error 08P01 /);
  });

  test('PostgreSQL refuses replication over the network before any password', async () => {
    const startup = { user: 'gateway', database: 'gateway', replication: 'true' };
    const { asked } = await authenticationAsked({ host: bindIp, port: 5432, startup }, 'none');
    expect(asked).toMatch(/^error 28000 no pg_hba\.conf entry for replication connection/);
  });

  test('no service opens a socket file on the host or a second port', async () => {
    const ask = ['sh', '-c', 'REDISCLI_AUTH="$(cat /run/secrets/redis_password)" exec redis-cli "$@"', 'sh'];
    expect(await inside('redis', '', ...ask, 'config', 'get', 'unixsocket')).toBe('0 unixsocket');
    expect(await inside('redis', '', ...ask, 'config', 'get', 'protected-mode')).toMatch(/^0 protected-mode/);
    const open = (await listening()).filter((address) => address.startsWith(`${bindIp}:`));
    expect(open.sort()).toEqual([3000, 5432, 6379, 8081, 9090].map((port) => `${bindIp}:${port}`));
  });

  test('files and directories are as in their table', () => {
    expect(modesOf(join(shell.root, 'dev'))).toEqual(modeTable(ownerOf(account)));
  });

  test("only Prometheus reaches the gateway's metrics", async () => {
    expect((await fetch(`http://${bindIp}:8081/metrics`)).status).toBe(404);
    await eventually('Prometheus reads the metrics', 60_000, async () => {
      const answer = await fetch(`http://${bindIp}:9090/api/v1/query?query=gateway_build_info`);
      const { data } = (await answer.json()) as { data: { result: unknown[] } };
      return data.result.length === 1 ? true : undefined;
    });
  });

  test('closed ports and public metrics: the settings replace only the containers that they concern', async () => {
    const before = await containerIds(project);
    appendFileSync(join(shell.root, 'dev/.env'), 'DB_PUBLISH=false\nREDIS_PUBLISH=false\nMETRICS_PUBLIC=true\n');
    await gatewayctl(shell, ['up', 'dev']);
    const after = await containerIds(project);
    expect(services.filter((service) => before[service] !== after[service])).toEqual(['gateway', 'db', 'redis']);
    const open = (await listening()).filter((address) => address.startsWith(`${bindIp}:`));
    expect(open.sort()).toEqual([3000, 8081, 9090].map((port) => `${bindIp}:${port}`));
    expect((await fetch(`http://${bindIp}:8081/metrics`)).status).toBe(200);
    expect((await fetch(`http://${bindIp}:8081/readyz`)).status).toBe(200);
  });
});

/** The first bytes that a port answers with. */
function answerOf(port: number, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, bindIp, () => socket.write(question));
    socket.setTimeout(5_000, () => socket.destroy(new Error(`${port}: no answer`)));
    socket.once('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
