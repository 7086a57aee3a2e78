import { expect, test } from 'vitest';
import { addressesOf, type BootContainer, planFor, waitForDaemon } from '../../../../cli/unattended/boot-start.ts';
import { fakeClock } from '../../../helpers/fake-clock.ts';
import { FakeDocker } from '../../../helpers/fake-docker.ts';

const container = (status: string, error = '', ips: readonly string[] = []): BootContainer => ({
  Id: 'id',
  Name: '/name',
  State: { Status: status, Error: error },
  Config: { Labels: null },
  HostConfig: { PortBindings: ips.length === 0 ? null : { '1/tcp': ips.map((HostIp) => ({ HostIp })) } },
});

test('only a container whose last start failed is started', () => {
  const cannotBind = 'driver failed programming external connectivity: cannot assign requested address';
  expect(planFor(container('exited', cannotBind))).toBe('start');
  expect(planFor(container('exited'))).toBe('stopped');
  // Its deploy failed: the next one removes it.
  expect(planFor(container('created', cannotBind))).toBe('stopped');
  expect(planFor(container('running'))).toBe('runs');
  expect(planFor(container('restarting', 'an older one'))).toBe('runs');
  expect(planFor(undefined)).toBe('missing');
});

test('the addresses on which containers publish are waited for, each once', () => {
  const containers = [
    container('exited', '', ['10.0.0.4', '::1']),
    container('exited'),
    container('x', '', ['10.0.0.4']),
  ];
  expect(addressesOf(containers)).toEqual(['10.0.0.4', '::1']);
});

test('the limit is ten minutes, even if the daemon hangs at each call', async () => {
  const lines: string[] = [];
  const progress = { step: (text: string) => lines.push(text), tick: () => {}, done: () => {} };
  const clock = fakeClock();
  // Hangs at each call until it is killed.
  const docker = new FakeDocker(() => {
    clock.add(10_000);
    return { exitCode: 1 };
  });
  await expect(waitForDaemon(docker, progress, clock)).rejects.toMatchObject({
    code: 'E_BOOT_WAIT',
    message: `the Docker daemon: not available after 608 s (got no answer from ${docker.host})`,
  });
  expect(lines).toEqual([`waiting for the Docker daemon (no answer from ${docker.host})`]);
  expect(docker.calls).toHaveLength(51);
});

test('a daemon that starts meanwhile is waited for', async () => {
  const lines: string[] = [];
  const progress = {
    step: (text: string) => lines.push(text),
    tick: () => {},
    done: (text: string) => lines.push(text),
  };
  let questions = 0;
  const docker = new FakeDocker(() => ({ exitCode: ++questions < 3 ? 1 : 0 }));
  await waitForDaemon(docker, progress, fakeClock());
  expect(lines).toEqual([
    `waiting for the Docker daemon (no answer from ${docker.host})`,
    'the Docker daemon: available',
  ]);
  const atOnce = new FakeDocker(() => ({}));
  await waitForDaemon(atOnce, progress, fakeClock());
  expect(lines).toHaveLength(2);
});
