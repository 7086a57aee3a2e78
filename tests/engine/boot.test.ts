import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aptInstall, systemPath } from '../../bootstrap/sandbox/install.ts';
import { type Sandbox, startSandbox, stopSandbox } from '../../bootstrap/sandbox/sandbox.ts';
import { findProgram } from '../../host/paths.ts';
import { type RunOptions, type RunResult, run } from '../../host/process.ts';
import { type Checkout, copyCheckout, type Inspected } from '../helpers/engine.ts';
import { dockerOf, type SandboxUnderTest, sandboxUnderTest } from '../helpers/sandbox.ts';

const bindIp = '10.99.0.1';
const order = ['db', 'redis', 'gateway', 'prometheus', 'grafana'] as const;
const quiet = { step() {}, tick() {}, done() {} };

// Its own engine: each start has a new network, as after a reboot.
describe('a host that has rebooted', () => {
  let place: SandboxUnderTest;
  let engine: Sandbox;
  let checkout: Checkout;
  let root: string;

  const enter = () => ['nsenter', `--net=/proc/${engine.pid}/ns/net`, '--'];
  const gatewayctl = (args: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
    run([...enter(), join(checkout.dir, 'gatewayctl'), ...args], {
      cwd: '/',
      env: { ...process.env, DOCKER_HOST: engine.dockerHost, TAXLIEN_GATEWAY_ROOT: root },
      ...options,
    });
  /** Only what systemd gives to the unit. */
  const unitEnvironment = async () => {
    const { stdout } = await gatewayctl(['boot', 'install', 'dev', '--print']);
    const lines = stdout.matchAll(/^Environment="([A-Z_]+)=([^"%\\]*)"$/gm);
    return Object.fromEntries([...lines].map(([, key, value]) => [key, value]));
  };
  const addAddress = async () => {
    // A bridge without ports instead of a network card: it needs no kernel module besides those of an engine.
    const steps = ['link add card0 type bridge', `address add ${bindIp}/24 dev card0`, 'link set card0 up'];
    for (const step of steps) await run([...enter(), 'ip', ...step.split(' ')]);
  };
  const reboot = async () => {
    await stopSandbox(place.options);
    engine = await startSandbox(place.options);
  };
  const states = async () => {
    const { docker } = dockerOf(engine);
    const names = order.map((service) => `taxlien-gateway-dev-${service}`);
    return (
      JSON.parse(await docker('inspect', ...names)) as (Inspected & { State: { Status: string; Error: string } })[]
    ).map(({ State }) => State);
  };
  const health = async () =>
    (JSON.parse((await gatewayctl(['status', 'dev', '--json'])).stdout) as { health: string }[]).map(
      (row) => row.health,
    );

  beforeAll(async () => {
    place = sandboxUnderTest('boot');
    engine = await startSandbox(place.options);
    checkout = await copyCheckout('boot', dirname(engine.instancesDir));
    root = engine.instancesDir;
    await addAddress();
    await gatewayctl(['init', 'dev', '--bind-ip', bindIp]);
    await gatewayctl(['up', 'dev']);
    if (findProgram('systemd-analyze', systemPath) === undefined) await aptInstall(['systemd'], quiet);
  });

  afterAll(async () => {
    await place.remove();
  });

  test('without BIND_IP nothing starts; once it exists, boot start starts all containers in order', async () => {
    const { docker } = dockerOf(engine);
    const image = (await docker('inspect', '--format', '{{.Image}}', 'taxlien-gateway-dev-redis')).trim();
    const published = ['--publish', `${bindIp}:18080:6379`, '--restart', 'unless-stopped'];
    await docker('run', '--detach', '--name', 'of-others', ...published, image);
    await reboot();
    const failed = await states();
    expect(failed.map(({ Status }) => Status)).toEqual(order.map(() => 'exited'));
    for (const { Error: reason } of failed) expect(reason).toContain('cannot assign requested address');

    const waits = Promise.withResolvers<void>();
    const env = await unitEnvironment();
    expect(Object.keys(env)).toEqual(expect.arrayContaining(['HOME', 'PATH', 'TAXLIEN_GATEWAY_ROOT', 'DOCKER_HOST']));
    const onLine = (line: string) => {
      if (line === `waiting for the address ${bindIp} (EADDRNOTAVAIL)`) waits.resolve();
    };
    const starting = gatewayctl(['boot', 'start', 'dev'], { env, onLine });
    await Promise.race([waits.promise, starting]);
    await addAddress();
    const { stdout, stderr } = await starting;
    expect(stderr).toContain(`waiting for the address ${bindIp} (EADDRNOTAVAIL)\n`);
    expect(stdout.trim().split('\n')).toEqual(order.map((service) => `${service}: started`));
    expect(stderr.split('\n').filter((line) => line.startsWith('starting'))).toEqual(
      order.map((service) => `starting ${service}`),
    );
    expect(await health()).toEqual(order.map(() => 'healthy'));
    expect((await gatewayctl(['verify', 'dev'])).exitCode).toBe(0);
    expect(await dockerOf(engine).docker('inspect', '--format', '{{.State.Status}}', 'of-others')).toBe('exited');
    await dockerOf(engine).docker('rm', 'of-others');
  });

  test('running containers are left alone, and manually stopped ones stay stopped', async () => {
    const before = await states();
    const { docker } = dockerOf(engine);
    await docker('stop', 'taxlien-gateway-dev-grafana');
    const { stdout } = await gatewayctl(['boot', 'start', 'dev']);
    expect(stdout.trim().split('\n')).toEqual([
      ...['db: is running', 'redis: is running', 'gateway: is running', 'prometheus: is running'],
      'grafana: was stopped by hand and stays stopped',
    ]);
    expect((await states()).slice(0, 4).map(({ Pid }) => Pid)).toEqual(before.slice(0, 4).map(({ Pid }) => Pid));
    await docker('start', 'taxlien-gateway-dev-grafana');
  });

  test('systemd accepts the unit', async () => {
    const { stdout } = await gatewayctl(['boot', 'install', 'dev', '--print']);
    const file = join(root, 'taxlien-gateway-dev.service');
    const verify = async (text: string) => {
      writeFileSync(file, text);
      return run(['systemd-analyze', 'verify', '--man=no', file], { allowedExitCodes: 'any' });
    };
    expect(await verify(stdout)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    const bad = await verify(stdout.replace('ExecStart="', 'ExecStart="relative'));
    expect([bad.exitCode, bad.stderr.includes('has fatal error')]).toEqual([1, true]);
  });

  test('it is installed, enabled and removed; without systemd nothing is installed', async () => {
    const unit = '/etc/systemd/system/taxlien-gateway-dev.service';
    const program = join(checkout.dir, 'gatewayctl');
    const script = join(checkout.dir, 'tests/helpers/boot-unit.sh');
    const env = { ...process.env, DOCKER_HOST: engine.dockerHost, TAXLIEN_GATEWAY_ROOT: root };
    const all = await run(['unshare', '--mount', script, program, 'dev'], { env, allowedExitCodes: [1] });
    expect(all.stdout.trim().split('\n')).toEqual([
      `installed ${unit}: it runs ${program} boot start dev; keep this checkout`,
      `${unit}: is installed`,
      '/etc/systemd/system/multi-user.target.wants/taxlien-gateway-dev.service',
      unit,
      `removed ${unit}`,
      `${unit}: is not installed (./gatewayctl boot install dev)`,
    ]);
    const hidden = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /run && exec "$@"', 'sh'];
    const refused = await run([...hidden, program, 'boot', 'install', 'dev'], { env, allowedExitCodes: [1] });
    expect(refused.stderr).toContain('requires systemd (got no /run/systemd/system); nothing was changed');
  });
});
