import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import upstreamImages from '../../docker/images/upstream-images.json' with { type: 'json' };
import { run } from '../../host/process.ts';
import { composeProgram } from '../helpers/compose.ts';
import {
  containerIds,
  containersOf,
  docker,
  gatewayctl,
  listening,
  makeShell,
  type Shell,
  tearDown,
} from '../helpers/engine.ts';

const shopFile = `
name: shop
services:
  cache:
    image: shop/cache
    volumes: ['data:/data']
    ports: ['127.0.10.9:7000:6379']
volumes:
  data: {}
`;

/** What `docker inspect` prints of the objects of the Compose project, image included. */
async function inspectShop(): Promise<string> {
  const label = ['--quiet', '--filter', 'label=com.docker.compose.project=shop'];
  const ids = await Promise.all([
    docker('ps', '--all', ...label),
    docker('network', 'ls', ...label),
    docker('volume', 'ls', ...label),
  ]);
  expect(ids.filter((id) => /^\S+$/.test(id))).toHaveLength(3);
  return docker('inspect', ...ids, 'shop/cache');
}

const projects = ['taxlien-gateway-dev', 'taxlien-gateway-stage'];

describe('stage beside dev', () => {
  let shell: Shell;
  let compose: (...args: string[]) => Promise<unknown>;
  let shopBefore: string;

  beforeAll(async () => {
    shell = await makeShell('beside');
    const dir = join(shell.root, 'shop');
    mkdirSync(dir);
    writeFileSync(join(dir, 'compose.yaml'), shopFile);
    const program = await composeProgram();
    compose = (...args) => run([program, '--project-directory', dir, ...args]);
    // An image of its own: a shared one would have the tags of both.
    await docker('create', '--name', 'shop-image', upstreamImages.redis);
    await docker('commit', '--change', 'LABEL shop=yes', 'shop-image', 'shop/cache');
    await docker('rm', '--volumes', 'shop-image');
    await compose('up', '--detach');
    shopBefore = await inspectShop();
    await gatewayctl(shell, ['up', 'dev']);
  });

  afterAll(async () => {
    await compose('down', '--volumes', '--rmi', 'all');
    await tearDown(shell, 'stage', 'dev');
  });

  test('stage requires an address of its own', async () => {
    const { exitCode, stderr } = await gatewayctl(shell, ['up', 'stage'], 'any');
    expect(exitCode).toBe(1);
    expect(stderr).toContain('Run ./gatewayctl init stage --bind-ip <address of this host>.');
  });

  test('on the same address it is refused, and the holders of the ports are named', async () => {
    await gatewayctl(shell, ['init', 'stage', '--bind-ip', '127.0.10.1']);
    const { exitCode, stdout, stderr } = await gatewayctl(shell, ['up', 'stage'], 'any');
    expect(exitCode).toBe(1);
    expect(stdout + stderr).toMatch(
      /127\.0\.10\.1:8081 \(gateway\): is taken \(got container taxlien-gateway-dev-gateway of project taxlien-gateway-dev\)/,
    );
    expect(await containersOf('taxlien-gateway-stage')).toEqual({});
  });

  test('on its own address it shares nothing with dev: ten containers', async () => {
    const file = `${shell.root}/stage/.env`;
    writeFileSync(file, readFileSync(file, 'utf8').replace('BIND_IP=127.0.10.1', 'BIND_IP=127.0.10.2'));
    await gatewayctl(shell, ['up', 'stage']);
    const stacks = await Promise.all(projects.map(containersOf));
    const all = stacks.flatMap((stack) => Object.values(stack));
    expect(all).toHaveLength(10);
    expect(all.map(({ State }) => State.Health.Status)).toEqual(all.map(() => 'healthy'));
    const networks = new Set(all.flatMap(({ NetworkSettings }) => Object.keys(NetworkSettings.Networks)));
    expect([...networks].sort()).toEqual(['taxlien-gateway-dev_default', 'taxlien-gateway-stage_default']);
    const addresses = new Set((await listening()).filter((address) => /:(8081|5432|6379|9090|3000)$/.test(address)));
    expect([...addresses].sort()).toEqual(
      ['127.0.10.1', '127.0.10.2']
        .flatMap((ip) => [3000, 5432, 6379, 8081, 9090].map((port) => `${ip}:${port}`))
        .sort(),
    );
    const tags = (await docker('images', '--format', '{{.Repository}}:{{.Tag}}')).split('\n');
    for (const service of ['gateway', 'db', 'redis', 'prometheus', 'grafana']) {
      expect(tags).toContain(`taxlien-gateway-dev/${service}:dev`);
      expect(tags).toContain(`taxlien-gateway-stage/${service}:stage`);
    }
  });

  test('all but five old images of dev are removed; images in use, of stage and of others stay', async () => {
    // Other test files deployed to this engine before.
    const label = 'label=taxlien-gateway.project=taxlien-gateway-dev';
    const built = (await docker('image', 'ls', '--no-trunc', '--quiet', '--filter', label)).split('\n');
    const used = (await containersOf('taxlien-gateway-dev')).gateway?.Image;
    const left = [...new Set(built)].filter((id) => id !== used);
    if (left.length > 0) await docker('image', 'rm', '--force', ...left);
    const empty = `${shell.root}/empty.tar`;
    // An empty tar archive: its two final blocks.
    writeFileSync(empty, Buffer.alloc(1024));
    const make = (name: string, project?: string) =>
      docker(
        ...['import', '--change', `ENV NAME=${name}`],
        ...(project === undefined ? [] : ['--change', `LABEL taxlien-gateway.project=${project}`]),
        ...[empty, name],
      );
    const dev = (number: number) => `taxlien-gateway-dev/gateway:dev-build-old${number}`;
    await make('elsewhere/tool:1');
    await make('taxlien-gateway-stage/gateway:stage-build-old1', 'taxlien-gateway-stage');
    await make('elsewhere/copy-of-dev:1', 'taxlien-gateway-dev');
    await make(dev(1), 'taxlien-gateway-dev');
    await make('elsewhere/tagged:1', 'taxlien-gateway-dev');
    await docker('tag', 'elsewhere/tagged:1', dev(2));
    for (const number of [3, 4, 5, 6, 7, 8]) await make(dev(number), 'taxlien-gateway-dev');
    const user = await docker('create', dev(3), 'never-run');
    const tags = async () => (await docker('images', '--format', '{{.Repository}}:{{.Tag}}')).split('\n').sort();
    const [before, containers] = [await tags(), await containerIds('taxlien-gateway-dev')];
    try {
      const { stderr } = await gatewayctl(shell, ['up', 'dev']);
      expect(await tags()).toEqual(before.filter((tag) => tag !== dev(1) && tag !== dev(2)));
      for (const number of [1, 2]) expect(stderr).toContain(`removed ${dev(number)} of an earlier deploy\n`);
      expect(await containerIds('taxlien-gateway-dev')).toEqual(containers);
    } finally {
      await docker('rm', user);
    }
  });

  test("another Compose project's objects are the same, byte for byte", async () => {
    await gatewayctl(shell, ['destroy', 'stage', '--yes']);
    expect(await inspectShop()).toBe(shopBefore);
  });

  test('stage is not deployed from uncommitted changes', async () => {
    appendFileSync(`${shell.checkout.dir}/README.md`, '\nA line.\n');
    const { exitCode, stdout, stderr } = await gatewayctl(shell, ['up', 'stage'], 'any');
    expect(exitCode).toBe(1);
    expect(stdout + stderr).toContain('E_DIRTY');
  });
});
