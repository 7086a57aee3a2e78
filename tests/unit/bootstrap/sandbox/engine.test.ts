import { expect, test } from 'vitest';
import { containerdConfig, daemonConfig, dockerdCommand } from '../../../../bootstrap/sandbox/engine.ts';
import { layoutOf } from '../../../../bootstrap/sandbox/layout.ts';

const layout = { ...layoutOf('/state', 'x'), cgroup: '/taxlien-gateway-0' };

test('dockerd shares no path with the host engine', () => {
  expect(dockerdCommand(layout)).toEqual([
    'dockerd',
    '--config-file=/state/sandbox/x/daemon.json',
    '--data-root=/state/sandbox/x/data',
    '--exec-root=/state/sandbox/x/exec',
    '--pidfile=/state/sandbox/x/dockerd.pid',
    '--containerd=/state/sandbox/x/exec/c/c.sock',
    '--host=unix:///state/sandbox/x/docker.sock',
    '--group=docker',
    '--live-restore=false',
    '--exec-opt=native.cgroupdriver=cgroupfs',
    '--cgroup-parent=/taxlien-gateway-0',
    '--shutdown-timeout=130',
  ]);
});

test('all paths of containerd are below the directory of the sandbox', () => {
  expect(containerdConfig(layout)).toMatchInlineSnapshot(`
    "version = 2
    root = "/state/sandbox/x/containerd"
    state = "/state/sandbox/x/exec/c"
    disabled_plugins = ["io.containerd.grpc.v1.cri"]
    [grpc]
    address = "/state/sandbox/x/exec/c/c.sock"
    [plugins."io.containerd.internal.v1.opt"]
    path = "/state/sandbox/x/containerd/opt"
    "
  `);
});

test('dockerd prunes its build cache', () => {
  expect(daemonConfig(layout)).toEqual({
    'deprecated-key-path': '/state/sandbox/x/key.json',
    builder: { gc: { enabled: true, defaultKeepStorage: '2GB' } },
  });
});
