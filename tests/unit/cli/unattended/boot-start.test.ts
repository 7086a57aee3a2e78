import { expect, test } from 'vitest';
import { addressesOf, type BootContainer, planFor, waitForDaemon } from '../../../../cli/unattended/boot-start.ts';
import { temporaryDir } from '../../../helpers/temporary.ts';

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

test('what is waited for is what containers publish on, each address once', () => {
  const containers = [
    container('exited', '', ['10.0.0.4', '::1']),
    container('exited'),
    container('x', '', ['10.0.0.4']),
  ];
  expect(addressesOf(containers)).toEqual(['10.0.0.4', '::1']);
});

test('a wait tells what it waits for, and ends', async () => {
  const lines: string[] = [];
  const progress = { step: (text: string) => lines.push(text), tick: () => {}, done: () => {} };
  const host = `unix://${temporaryDir()}/no.sock`;
  const slept: number[] = [];
  const sleep = async (ms: number) => slept.push(ms);
  await expect(waitForDaemon(host, progress, { timeoutMs: 4_000, pollMs: 2_000, sleep })).rejects.toMatchObject({
    code: 'E_BOOT_WAIT',
    message: `the Docker daemon: not there after 4 s (got no answer from ${host})`,
  });
  expect(lines).toEqual([`waiting for the Docker daemon (no answer from ${host})`]);
  expect(slept).toEqual([2_000, 2_000]);
});
