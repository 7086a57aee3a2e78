import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { containerIds, docker, gatewayctl, makeShell, type Shell, tearDown } from '../helpers/engine.ts';

const project = 'taxlien-gateway-dev';
let shell: Shell;
const file = () => join(shell.root, 'dev/docker-compose.override.yml');

beforeAll(async () => {
  shell = await makeShell('override');
  await gatewayctl(shell, ['up', 'dev']);
});

afterAll(async () => {
  await tearDown(shell, 'dev');
});

test('a key outside the subset stops a deploy, and the doctor names its line', async () => {
  const before = await containerIds(project);
  writeFileSync(file(), 'services:\n  gateway:\n    privileged: true\n');
  for (const verb of ['up', 'doctor']) {
    const { exitCode, stdout, stderr } = await gatewayctl(shell, [verb, 'dev'], 'any');
    expect(exitCode).toBe(1);
    expect(stdout + stderr).toContain(
      'dev/docker-compose.override.yml:3 services.gateway.privileged: is not supported',
    );
  }
  rmSync(file());
  expect(await containerIds(project)).toEqual(before);
});

test('an override takes effect, replaces only the container that it names, and then changes nothing', async () => {
  const before = await containerIds(project);
  writeFileSync(
    file(),
    `services:
  gateway-go:
    environment: { OVERRIDDEN: "yes" }
    labels: { team: data }
    extra_hosts: ["county.example:10.0.0.7"]
    ulimits: { nofile: { soft: 4096, hard: 8192 } }
    mem_limit: 300m
    cpu_shares: 512
    volumes: ["/etc/ssl/certs:/mnt/certs:ro"]
    ports: ["\${BIND_IP}:9081:8081"]
`,
  );
  await gatewayctl(shell, ['up', 'dev']);
  const after = await containerIds(project);
  const replaced = Object.keys(after).filter((service) => after[service] !== before[service]);
  expect(replaced).toEqual(['gateway']);
  const [inspected] = JSON.parse(await docker('inspect', `${project}-gateway`));
  expect(inspected.Config.Env).toContain('OVERRIDDEN=yes');
  expect(inspected.Config.Labels).toMatchObject({ team: 'data', 'com.docker.compose.project': project });
  expect(inspected.HostConfig).toMatchObject({
    ExtraHosts: ['county.example:10.0.0.7'],
    Ulimits: [{ Name: 'nofile', Soft: 4096, Hard: 8192 }],
    Memory: 300 * 2 ** 20,
    CpuShares: 512,
  });
  expect(inspected.HostConfig.PortBindings['8081/tcp']).toEqual(
    expect.arrayContaining(['8081', '9081'].map((HostPort) => ({ HostIp: '127.0.10.1', HostPort }))),
  );
  const mount = inspected.Mounts.find(({ Destination }: { Destination: string }) => Destination === '/mnt/certs');
  expect(mount).toMatchObject({ Source: '/etc/ssl/certs', RW: false });
  for (const port of [8081, 9081]) expect((await fetch(`http://127.0.10.1:${port}/healthz`)).status).toBe(200);

  await gatewayctl(shell, ['up', 'dev']);
  expect(await containerIds(project)).toEqual(after);
});
