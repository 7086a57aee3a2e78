import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { endLostProxies } from '../../../../cli/stack/lost-proxies.ts';
import type { Stack } from '../../../../cli/stack/stack.ts';
import { dockerProxiesOf } from '../../../../docker/docker-proxies.ts';
import { FakeDocker } from '../../../helpers/fake-docker.ts';
import { testSettings } from '../../../helpers/instance.ts';
import { temporaryDir } from '../../../helpers/temporary.ts';

// Of no instance: the proxies of others must stay.
const ip = '127.81.7.3';
const proxyArgs = (port: number) => ['-proto', 'tcp', '-host-ip', ip, '-host-port', `${port}`, '-container-ip', 'x'];
const idle = ['-e', 'setTimeout(() => {}, 60_000)', '--'];

/** A process with the arguments of a `docker-proxy`, started by this one or by a `dockerd`. */
async function startProxy(port: number, parent: 'orphan' | 'dockerd' = 'orphan'): Promise<ChildProcess> {
  const proxy = [process.execPath, ...idle, ...proxyArgs(port)];
  const dockerd = join(temporaryDir(), 'dockerd');
  symlinkSync('/bin/sh', dockerd);
  const child =
    parent === 'orphan'
      ? spawn(process.execPath, proxy.slice(1))
      : spawn(dockerd, ['-c', `${proxy.map((arg) => `'${arg}'`).join(' ')} & trap "kill $!" TERM; wait`]);
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill();
    await ended;
  });
  const hasEngine = parent === 'dockerd';
  await vi.waitFor(() => expect(dockerProxiesOf({ ip, port }).map((found) => found.hasEngine)).toContain(hasEngine));
  return child;
}

const count = (port: number) => dockerProxiesOf({ ip, port }).length;
const container = (ports: string) =>
  `${JSON.stringify({ Names: 'other', State: 'running', Ports: ports, Labels: '', Mounts: '' })}\n`;

let settings: ReturnType<typeof testSettings>;

beforeEach(() => {
  settings = testSettings({ variables: { BIND_IP: ip } });
  vi.spyOn(process, 'getuid').mockReturnValue(0);
});

const endOn = (docker: FakeDocker) => endLostProxies({ engine: { docker } } as unknown as Stack, settings);

describe.skipIf(process.platform !== 'linux')('a docker-proxy on a port of the instance', () => {
  test('is killed if its engine is gone, once, and one of another port is not', async () => {
    const { db, gateway } = settings.ports;
    const other = 9;
    await startProxy(db);
    await startProxy(gateway);
    await startProxy(other);
    const docker = new FakeDocker(() => ({ stdout: container(`0.0.0.0:${db}->5432/tcp`) }));
    const lines = [gateway, db].map((port) => `killed an orphaned docker-proxy that held ${ip}:${port}`);
    expect(await endOn(docker)).toEqual(lines);
    expect([count(db), count(gateway), count(other)]).toEqual([0, 0, 1]);
    expect(await endOn(docker)).toEqual([]);
    // The second run does not need the daemon.
    expect(docker.calls).toHaveLength(1);
  });

  test('stays if the daemon counts the port as published', async () => {
    const { db } = settings.ports;
    await startProxy(db);
    expect(await endOn(new FakeDocker(() => ({ stdout: container(`${ip}:${db}->5432/tcp`) })))).toEqual([]);
    expect(count(db)).toBe(1);
  });

  test('stays if its engine runs, without a question to the daemon', async () => {
    const { redis } = settings.ports;
    await startProxy(redis, 'dockerd');
    const docker = new FakeDocker(() => undefined);
    expect(await endOn(docker)).toEqual([]);
    expect(docker.calls).toEqual([]);
    expect(count(redis)).toBe(1);
  });

  test('stays if the daemon answers with an error', async () => {
    const { db } = settings.ports;
    await startProxy(db);
    const docker = new FakeDocker(() => ({ exitCode: 1, stderr: 'Cannot connect to the Docker daemon\n' }));
    await expect(endOn(docker)).rejects.toMatchObject({ code: 'E_PROCESS' });
    expect(count(db)).toBe(1);
  });

  test('stays if this user is not root', async () => {
    const { db } = settings.ports;
    await startProxy(db);
    vi.spyOn(process, 'getuid').mockReturnValue(1000);
    const docker = new FakeDocker(() => ({ stdout: '' }));
    expect(await endOn(docker)).toEqual([]);
    expect([count(db), docker.calls]).toEqual([1, []]);
  });
});
