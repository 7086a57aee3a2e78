import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FoundContainer } from '../../../docker/daemon-facts.ts';
import { parseListener, portFindings } from '../../../preflight/ports.ts';
import { shownFindings } from '../../helpers/findings.ts';
import { testSettings, type Variables } from '../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

// An address that no other process on this host listens on.
const bindIp = '127.83.17.5';

async function findPorts(variables: Variables, containers: readonly FoundContainer[] = []): Promise<string> {
  const root = temporaryDir();
  const settings = testSettings({ root, variables: { BIND_IP: bindIp, ...variables } });
  return shownFindings(await portFindings(settings, containers), root).join('\n');
}

const container = (project: string, ip: string, port: number): FoundContainer => ({
  name: `${project || 'lonely'}-1`,
  isRunning: true,
  isRestarting: false,
  labels: project === '' ? {} : { 'com.docker.compose.project': project },
  mounts: [],
  published: [{ ip, port }],
});

function listen(host: string, port = 0): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => resolve((server.address() as { port: number }).port));
  });
}

test('free ports and those of this stack are accepted', async () => {
  expect(await findPorts({})).toBe('');
  const port = await listen(bindIp);
  expect(await findPorts({ DB_PORT: `${port}` }, [container('taxlien-gateway-dev', bindIp, port)])).toBe('');
});

test('a port that a process outside Docker listens on is taken, on that address alone', async () => {
  const port = await listen(bindIp);
  const found = await findPorts({ DB_PORT: `${port}` });
  expect(
    found.replaceAll(`${port}`, '<port>').replace(/process \S+, pid \d+/, 'process <name>, pid <pid>'),
  ).toMatchInlineSnapshot(
    `"E_PORT_TAKEN error: 127.83.17.5:<port> (db): is taken (got process <name>, pid <pid>). The container of this service could not start. Free it, or set DB_PORT in <root>/dev/.env to another port."`,
  );
  expect(await findPorts({ DB_PORT: `${port}`, BIND_IP: '127.83.17.6' })).toBe('');
});

test.each([
  ['a living engine', 'dockerd', 'docker-proxy, pid <pid>, of no container', 'sudo systemctl restart docker'],
  ['an engine that ended', 'init', 'docker-proxy, pid <pid>, orphaned by its engine', 'sudo kill <pid>'],
])("a port that %s's proxy holds for no container", async (_, parent, holder, command) => {
  const [port, pid] = await startProxy(parent);
  const found = await findPorts({ DB_PORT: `${port}` });
  expect(found).toContain(`${bindIp}:${port} (db): is taken (got ${holder.replace('<pid>', pid)})`);
  expect(found).toMatch(new RegExp(`: ${command.replace('<pid>', pid)}$`));
});

/** A stand-in for `docker-proxy`, as a child of a program of that name. @returns its port and its pid */
async function startProxy(parentName: string): Promise<readonly [number, string]> {
  const dir = temporaryDir();
  const parent = join(dir, parentName);
  writeFiles(dir, {
    // In its environment, since the check reads its arguments too.
    [parentName]: '#!/bin/sh\n$PROXY & wait\n',
    'proxy.mjs': `
      import { createServer } from 'node:net';
      const [, , , , , host, , port] = process.argv;
      createServer().listen({ host, port }, () => console.log(process.pid));`,
  });
  chmodSync(parent, 0o755);
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen({ host: bindIp, port: 0 }, () => resolve((server.address() as { port: number }).port));
  });
  await new Promise((resolve) => server.close(resolve));
  const proxy = `${process.execPath} ${join(dir, 'proxy.mjs')} -proto tcp -host-ip ${bindIp} -host-port ${port}`;
  const child = spawn(parent, {
    env: { PROXY: `${proxy} -container-ip 172.18.0.2` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [printed] = await once(child.stdout, 'data');
  const pid = `${printed}`.trim();
  onTestFinished(() => void process.kill(Number(pid)));
  return [port, pid];
}

test('a restarting container of this stack may take its own port at any time, no other', async () => {
  const port = await listen(bindIp);
  const restarting = {
    ...container('taxlien-gateway-dev', bindIp, port),
    isRunning: false,
    isRestarting: true,
    labels: { 'com.docker.compose.project': 'taxlien-gateway-dev', 'com.docker.compose.service': 'gateway' },
    published: [],
  };
  expect(await findPorts({ GATEWAY_PORT: `${port}` }, [restarting])).toBe('');
  expect(await findPorts({ DB_PORT: `${port}` }, [restarting])).toContain('E_PORT_TAKEN');
});

describe('containers', () => {
  test('of others hold their port, on the address or on all', async () => {
    const found = await Promise.all([
      findPorts({}, [container('shop', bindIp, 8081)]),
      findPorts({}, [container('', '0.0.0.0', 3000)]),
      findPorts({ BIND_IP: '::1' }, [container('shop', '::', 6379)]),
    ]);
    expect(found.join('\n')).toMatchInlineSnapshot(`
      "E_PORT_TAKEN error: 127.83.17.5:8081 (gateway): is taken (got container shop-1 of project shop). The container of this service could not start. Free it, or set GATEWAY_PORT in <root>/dev/.env to another port.
      E_PORT_TAKEN error: 127.83.17.5:3000 (grafana): is taken (got container lonely-1). The container of this service could not start. Free it, or set GRAFANA_PORT in <root>/dev/.env to another port.
      E_PORT_TAKEN error: [::1]:6379 (redis): is taken (got container shop-1 of project shop). The container of this service could not start. Free it, or set REDIS_PORT in <root>/dev/.env to another port."
    `);
  });

  test.each([
    ['another address', container('shop', '127.83.17.6', 8081)],
    ['another port', container('shop', bindIp, 8082)],
    ['all addresses of the other family', container('shop', '::', 8081)],
  ])('on %s do not', async (_, other) => {
    expect(await findPorts({}, [other])).toBe('');
  });
});

test('two services of one environment on one port', async () => {
  expect(await findPorts({ DB_PORT: '8081' })).toMatchInlineSnapshot(
    `"E_PORT_TAKEN error: 127.83.17.5:8081 (db): is taken (got gateway of this environment has the same port). The container of this service could not start. Free it, or set DB_PORT in <root>/dev/.env to another port."`,
  );
});

test('an address that does not exist is left to another check', async () => {
  expect(await findPorts({ BIND_IP: '192.0.2.1' })).toBe('');
});

test('the listener in the output of ss and lsof', () => {
  const ss = [
    'LISTEN 0 4096 127.0.10.1:6379 0.0.0.0:* users:(("docker-proxy",pid=4700,fd=4))',
    'LISTEN 0 511 127.0.10.4:6379 0.0.0.0:* users:(("node",pid=4711,fd=21),("node",pid=4712,fd=21))',
    'LISTEN 0 511 127.0.10.5:6379 0.0.0.0:*',
  ].join('\n');
  const lsof = 'p4700\ncOrbStack\nf4\nn127.0.10.1:6379\np4711\ncredis-server\nf6\nn127.0.10.4:6379\n';
  expect([parseListener(ss, ['127.0.10.4:6379']), parseListener(lsof, ['*:6379', '127.0.10.4:6379'])]).toEqual([
    'process node, pid 4711',
    'process redis-server, pid 4711',
  ]);
  expect([parseListener('', ['127.0.10.4:6379']), parseListener(ss, ['127.0.10.5:6379'])]).toEqual([
    undefined,
    undefined,
  ]);
});
