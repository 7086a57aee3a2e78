import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../host/process.ts';
import {
  containerIds,
  containersOf,
  docker,
  eventually,
  gatewayctl,
  inStackShell,
  listening,
  makeShell,
  type Shell,
  tearDown,
} from '../helpers/engine.ts';
import { expectSecondUpToChangeNothing } from '../helpers/second-up.ts';
import { completeTask, envValue, fetchResult, sha256, workerOf } from '../helpers/worker.ts';

const project = 'taxlien-gateway-dev';
const services = ['db', 'gateway', 'grafana', 'prometheus', 'redis'];
const bindIp = '127.0.10.1';

// The life of one environment: each test continues from the state that the previous one left.
describe('dev, from nothing to destroyed and back', () => {
  let shell: Shell;
  let taskId: string;
  const result = new TextEncoder().encode(`raw body ${'x'.repeat(100_000)}`);

  beforeAll(async () => {
    shell = await makeShell('deploy');
  });

  afterAll(async () => {
    await tearDown(shell, 'dev');
  });

  test('up creates the instance and starts five healthy containers', async () => {
    const { stdout } = await gatewayctl(shell, ['up', 'dev']);
    const containers = await containersOf(project);
    expect(Object.keys(containers).sort()).toEqual(services);
    expect(Object.values(containers).map(({ State }) => State.Health.Status)).toEqual(services.map(() => 'healthy'));
    for (const service of services) expect(stdout).toMatch(new RegExp(`dev +${service} .* ${bindIp}:\\d+ +healthy`));
    expect(await shell.checkout.git('status', '--porcelain')).toBe('');
  });

  test('each port is on BIND_IP and nowhere else', async () => {
    const ports = ['3000', '5432', '6379', '8081', '9090'];
    const open = (await listening()).filter((address) => ports.includes(address.split(':').at(-1) ?? ''));
    expect(open.sort()).toEqual(ports.map((port) => `${bindIp}:${port}`).sort());
  });

  test('containers are named, labelled, limited and hardened', async () => {
    for (const [service, container] of Object.entries(await containersOf(project))) {
      expect(container.Name).toBe(`/${project}-${service}`);
      expect(container.Config.Labels).toMatchObject({
        'com.docker.compose.project': project,
        'com.docker.compose.service': service,
        'taxlien-gateway.environment': 'dev',
      });
      expect(container.HostConfig).toMatchObject({
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        RestartPolicy: { Name: 'unless-stopped' },
        LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
      });
      expect(container.HostConfig.Memory).toBeGreaterThan(0);
      expect(container.HostConfig.MemorySwap).toBe(container.HostConfig.Memory);
      expect(Object.keys(container.NetworkSettings.Networks)).toEqual([`${project}_default`]);
    }
  });

  test('no secret is in a container, in the state or in the outputs', async () => {
    const inspected = JSON.stringify(await containersOf(project));
    const state = readFileSync(join(shell.root, 'dev/state/.pulumi/stacks/taxlien-gateway/dev.json'), 'utf8');
    const outputs = (await inStackShell(shell, 'dev', ['pulumi', 'stack', 'output', '--json', '--show-secrets']))
      .stdout;
    for (const key of ['POSTGRES_PASSWORD', 'REDIS_PASSWORD', 'WORKER_TOKEN', 'GRAFANA_ADMIN_PASSWORD']) {
      const secret = envValue(shell.root, 'dev', key);
      for (const form of [secret, Buffer.from(secret).toString('base64')]) {
        expect(inspected).not.toContain(form);
        expect(state).not.toContain(form);
        expect(outputs).not.toContain(form);
      }
    }
  });

  test('the outputs show what runs where', async () => {
    const { stdout } = await inStackShell(shell, 'dev', ['pulumi', 'stack', 'output', '--json']);
    const outputs = JSON.parse(stdout);
    const ids = await containerIds(project);
    expect(outputs.urls.gateway).toBe(`http://${bindIp}:8081`);
    expect(outputs.network).toBe(`${project}_default`);
    expect(outputs.commit).toBe(await shell.checkout.git('rev-parse', '--short=12', 'HEAD'));
    expect(outputs.images.gateway.tag).toBe(`${project}/gateway:dev-${outputs.commit}`);
    expect(outputs.volumes.raw).toEqual({ name: `${project}_raw`, hostPath: join(shell.root, 'dev/data/raw') });
    for (const service of services) expect(outputs.containers[service].id).toBe(ids[service]);
  });

  test("a task is enqueued, claimed and delivered, and Prometheus has the gateway's metrics", async () => {
    const worker = workerOf(shell.root, 'dev');
    taskId = await completeTask(worker, result);
    expect(sha256(await fetchResult(worker, taskId))).toBe(sha256(result));
    expect((await fetch(`http://${bindIp}:8081/v3/tasks/claim`, { method: 'POST', body: '{}' })).status).toBe(401);
  });

  test('Grafana starts without an error in its log and answers through its data source', async () => {
    expect(await docker('logs', `${project}-grafana`)).not.toMatch(/level=(warn|error)/);
    const login = Buffer.from(`admin:${envValue(shell.root, 'dev', 'GRAFANA_ADMIN_PASSWORD')}`).toString('base64');
    const query = async (uid: string) => {
      const answer = await fetch(`http://${bindIp}:3000/api/ds/query`, {
        method: 'POST',
        headers: { authorization: `Basic ${login}` },
        body: JSON.stringify({ queries: [{ refId: 'A', datasource: { uid }, expr: 'up{job="prometheus"}' }] }),
      });
      return { status: answer.status, body: JSON.parse(await answer.text()) };
    };
    const sample = await eventually('a sample', 60_000, async () => {
      const { status, body } = await query('prometheus');
      return status === 200 ? body.results.A.frames[0]?.data.values[1][0] : undefined;
    });
    expect(sample).toBe(1);
    expect(await query('other')).toEqual({ status: 404, body: { message: 'Data source not found' } });
  });

  test("the gateway's own integration tests pass on this PostgreSQL and Redis", async () => {
    const secrets = join(shell.root, 'dev/secrets/gateway');
    const { exitCode, stdout, stderr } = await run(['go', 'test', '-tags', 'integration', './cmd/...'], {
      cwd: shell.checkout.dir,
      env: {
        ...process.env,
        DEPLOY_ENV: 'dev',
        RAW_DIR: shell.root,
        DB_HOST: bindIp,
        DB_PORT: '5432',
        DB_NAME: 'gateway',
        DB_USER: 'gateway',
        DB_PASSWORD_FILE: join(secrets, 'db_password'),
        REDIS_ADDR: `${bindIp}:6379`,
        REDIS_PASSWORD_FILE: join(secrets, 'redis_password'),
        WORKER_TOKEN_FILE: join(secrets, 'worker_token'),
      },
      allowedExitCodes: 'any',
    });
    expect(exitCode, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/^ok\s+taxlien-gateway\/cmd\/gateway/m);
  });

  test('a second up changes nothing, and neither does a refreshing preview', async () => {
    await expectSecondUpToChangeNothing(shell, project);
    expect(await shell.checkout.git('status', '--porcelain')).toBe('');
  });

  test('a preview of a gateway change names image, steps, tags and container, and touches nothing', async () => {
    appendFileSync(
      join(shell.checkout.dir, 'cmd/gateway/main.go'),
      '\n// A changed line.\nvar changedLine = 1\n\nfunc init() { _ = changedLine }\n',
    );
    const listImages = async () => (await docker('images', '--all', '--quiet')).split('\n').sort();
    const [containers, images] = [await containerIds(project), await listImages()];
    const since = `${Date.now() / 1000}`;
    const { stdout } = await inStackShell(shell, 'dev', ['pulumi', 'preview', '--json']);
    const steps = (JSON.parse(stdout).steps as { op: string; urn: string }[]).filter(
      ({ op }) => op !== 'same' && op !== 'refresh',
    );
    expect([...new Set(steps.map(({ urn }) => urn.split('::').at(-1)))].sort()).toEqual([
      'taxlien-gateway',
      'taxlien-gateway-commit-tag',
      'taxlien-gateway-healthy',
      'taxlien-gateway-image',
      'taxlien-gateway-migrate',
      'taxlien-gateway-selfcheck',
      'taxlien-gateway-tag',
    ]);
    expect(await containerIds(project)).toEqual(containers);
    expect(await listImages()).toEqual(images);
    const range = ['--since', since, '--until', `${Date.now() / 1000}`];
    const events = (await docker('events', ...range, '--format', '{{.Type}} {{.Action}}')).split('\n');
    // Health checks continue meanwhile.
    expect(events.filter((line) => !/^(container (exec_|health_status)|$)/.test(line))).toEqual([]);
  });

  test('up then replaces the gateway and nothing else, even if the shell turns BuildKit off', async () => {
    const before = await containerIds(project);
    await gatewayctl({ ...shell, env: { ...process.env, DOCKER_BUILDKIT: '0' } }, ['up', 'dev']);
    const after = await containerIds(project);
    expect(services.filter((service) => before[service] !== after[service])).toEqual(['gateway']);
    expect(sha256(await fetchResult(workerOf(shell.root, 'dev'), taskId))).toBe(sha256(result));
  });

  test('a commit that changes only the README replaces nothing', async () => {
    await shell.checkout.git('commit', '--all', '--quiet', '--message', 'gateway: a line');
    await gatewayctl(shell, ['up', 'dev']);
    appendFileSync(join(shell.checkout.dir, 'README.md'), '\nA line.\n');
    await shell.checkout.git('commit', '--all', '--quiet', '--message', 'docs: a line');
    const before = await containerIds(project);
    const { stdout } = await gatewayctl(shell, ['up', 'dev']);
    expect(stdout).not.toMatch(/\d+ replaced/);
    expect(await containerIds(project)).toEqual(before);
    const commit = await shell.checkout.git('rev-parse', '--short=12', 'HEAD');
    const tagged = await docker('image', 'inspect', '--format', '{{.Id}}', `${project}/gateway:dev-${commit}`);
    expect(tagged).toBe((await containersOf(project)).gateway?.Image);
  });

  test('a changed dashboard replaces Grafana and nothing else', async () => {
    const file = join(shell.checkout.dir, 'monitoring/grafana/dashboards/gateway.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"title":', '"description": "changed",\n  "title":'));
    const before = await containerIds(project);
    await gatewayctl(shell, ['up', 'dev']);
    const after = await containerIds(project);
    expect(services.filter((service) => before[service] !== after[service])).toEqual(['grafana']);
    await shell.checkout.git('commit', '--all', '--quiet', '--message', 'monitoring: a line');
  });

  test('a data source that does not answer fails up and verify, though every container is healthy', async () => {
    const file = join(shell.checkout.dir, 'monitoring/grafana/provisioning/datasources/prometheus.yml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('prometheus:9090', 'prometheus:9'));
    const message = `http://${bindIp}:3000/api/ds/query: the data source prometheus must answer a query (got HTTP 400 Post`;
    for (const verb of ['up', 'verify']) {
      const { exitCode, stderr } = await gatewayctl(shell, [verb, 'dev'], 'any');
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
      expect(stderr).toContain('connection refused');
    }
    const rows = JSON.parse((await gatewayctl(shell, ['status', 'dev', '--json'])).stdout) as { health: string }[];
    expect(rows.map(({ health }) => health)).toEqual(services.map(() => 'healthy'));
    await shell.checkout.git('checkout', '--', file);
    await gatewayctl(shell, ['up', 'dev']);
  });

  test('a container removed by hand is drift that the next up repairs', async () => {
    await docker('rm', '--force', `${project}-redis`);
    const drift = await inStackShell(shell, 'dev', ['pulumi', 'preview', '--refresh', '--expect-no-changes']);
    expect(drift.exitCode).not.toBe(0);
    const before = await containerIds(project);
    await gatewayctl(shell, ['up', 'dev']);
    const after = await containerIds(project);
    expect(services.filter((service) => before[service] !== after[service])).toEqual(['redis']);
  });

  test('destroy keeps the data, may be repeated, and up starts the stack again', async () => {
    const refused = await gatewayctl(shell, ['destroy', 'dev'], 'any');
    expect(refused.exitCode).toBe(1);
    expect(Object.keys(await containersOf(project)).sort()).toEqual(services);
    await gatewayctl(shell, ['destroy', 'dev', '--yes']);
    expect(await containersOf(project)).toEqual({});
    expect(await docker('network', 'ls', '--quiet', '--filter', `name=${project}`)).toBe('');
    expect((await docker('volume', 'ls', '--quiet', '--filter', `name=${project}_`)).split('\n')).toHaveLength(5);
    await gatewayctl(shell, ['destroy', 'dev', '--yes']);
    await gatewayctl(shell, ['up', 'dev']);
    expect(sha256(await fetchResult(workerOf(shell.root, 'dev'), taskId))).toBe(sha256(result));
  });

  test('the same with plain pulumi', async () => {
    const pulumi = async (...args: string[]) => {
      const { exitCode, stdout, stderr } = await inStackShell(shell, 'dev', ['pulumi', ...args]);
      expect(exitCode, stdout + stderr).toBe(0);
    };
    await pulumi('destroy', '--yes');
    await pulumi('destroy', '--yes', '--stack', 'dev');
    expect(await containersOf(project)).toEqual({});
    await pulumi('up', '--yes', '--stack', 'dev');
    expect(sha256(await fetchResult(workerOf(shell.root, 'dev'), taskId))).toBe(sha256(result));
    expect(await shell.checkout.git('status', '--porcelain')).toBe('');
  });

  test('doctor, status and verify find no problem', async () => {
    const doctor = JSON.parse((await gatewayctl(shell, ['doctor', 'dev', '--json'])).stdout);
    expect(doctor).toMatchObject({ env: 'dev', findings: [] });
    const rows = JSON.parse((await gatewayctl(shell, ['status', 'dev', '--json'])).stdout) as { health: string }[];
    expect(rows.map(({ health }) => health)).toEqual(services.map(() => 'healthy'));
    const verified = await gatewayctl(shell, ['verify', 'dev']);
    expect([verified.exitCode, verified.stderr]).toEqual([0, '']);
  });

  test("an administrator's password changed in the browser fails nothing, and verify reports it", async () => {
    const file = join(shell.root, 'dev/.env');
    const good = readFileSync(file, 'utf8');
    const other = 'b7c1e9a04d2f58336a91';
    writeFileSync(file, good.replace(envValue(shell.root, 'dev', 'GRAFANA_ADMIN_PASSWORD'), other));
    const { exitCode, stderr } = await gatewayctl(shell, ['verify', 'dev'], 'any');
    writeFileSync(file, good);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('the data source was not checked (got HTTP 401)')]);
    expect(stderr).not.toContain(other);
  });

  test('bad settings stop a deploy before anything changes, each with one clear message', async () => {
    const file = join(shell.root, 'dev/.env');
    const good = readFileSync(file, 'utf8');
    const before = await containerIds(project);
    const cases = [
      [
        good.replace(/^BIND_IP=.*$/m, 'BIND_IP=0.0.0.0'),
        /E_BIND_IP {2}dev\/\.env:\d+ BIND_IP: must be one address.*\(got 0\.0\.0\.0\)/,
      ],
      [good.replace(/^BIND_IP=.*$/m, ''), /E_BIND_IP {2}dev\/\.env BIND_IP: is missing \(got nothing\)/],
      [
        good.replace(/^BIND_IP=/m, 'BIND_PI='),
        /E_UNKNOWN_KEY {2}dev\/\.env:\d+ BIND_PI: is not a variable.* Did you mean BIND_IP\?/,
      ],
      [
        `${good}GATEWAY_PORT=99999\n`,
        /E_PORT {2}dev\/\.env:\d+ GATEWAY_PORT: must be a whole number from 1 to 65535 \(got 99999\)/,
      ],
    ] as const;
    try {
      for (const [text, message] of cases) {
        writeFileSync(file, text);
        const { exitCode, stderr } = await gatewayctl(shell, ['up', 'dev'], 'any');
        expect(exitCode).toBe(1);
        expect(stderr).toMatch(new RegExp(`^${message.source}`, 'm'));
        const plain = await inStackShell(shell, 'dev', ['pulumi', 'up', '--yes']);
        expect(plain.exitCode).not.toBe(0);
        expect(plain.stdout + plain.stderr).toMatch(new RegExp(`error: ${message.source}`));
      }
    } finally {
      writeFileSync(file, good);
    }
    expect(await containerIds(project)).toEqual(before);
  });

  test('a taken port is refused, and its holder is named', async () => {
    const file = join(shell.root, 'dev/.env');
    const good = readFileSync(file, 'utf8');
    const image = (await containersOf(project)).redis?.Image ?? '';
    await docker('run', '--detach', '--name', 'foreign', '--publish', `${bindIp}:18081:6379`, image);
    try {
      writeFileSync(file, `${good}GATEWAY_PORT=18081\n`);
      const { exitCode, stdout, stderr } = await gatewayctl(shell, ['up', 'dev'], 'any');
      expect(exitCode).toBe(1);
      expect(stdout + stderr).toMatch(
        /E_PORT_TAKEN {2}127\.0\.10\.1:18081 \(gateway\): is taken \(got container foreign\)/,
      );
    } finally {
      writeFileSync(file, good);
      await docker('rm', '--force', 'foreign');
    }
  });
});
