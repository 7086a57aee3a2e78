import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  cleanSandbox,
  type Sandbox,
  type SandboxPlace,
  sandboxStatus,
  startSandbox,
  stopSandbox,
} from '../../bootstrap/sandbox/sandbox.ts';
import upstream from '../../docker/images/upstream-images.json' with { type: 'json' };
import { mountsBelow } from '../../host/mounts.ts';
import { run } from '../../host/process.ts';
import { processesInCgroup, processesWithArgs } from '../../host/processes.ts';
import { eventually, docker as outerDocker } from '../helpers/engine.ts';
import { dockerOf, sandboxUnderTest } from '../helpers/sandbox.ts';
import { writeFiles } from '../helpers/temporary.ts';

const iptables = ['env', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'iptables-save'];
const fetchText = 'fetch(process.argv[1]).then((r) => r.text()).then((t) => process.stdout.write(t.trim()))';

const cgroupDirs = (name: string) =>
  readdirSync('/sys/fs/cgroup').filter((hierarchy) => existsSync(join('/sys/fs/cgroup', hierarchy, name)));

function hashes(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [file.slice(dir.length), createHash('sha256').update(readFileSync(file)).digest('hex')];
    }),
  );
}

async function runWithBindVolume(sandbox: Sandbox, data: string, ...options: string[]): Promise<void> {
  const { docker } = dockerOf(sandbox);
  const device = ['--driver=local', '--opt=type=none', '--opt=o=bind', `--opt=device=${data}`];
  await docker('volume', 'create', ...device, 'kept');
  const command = [upstream.redis, 'sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1; done'];
  await docker('run', '--detach', '--name=user', '--volume=kept:/kept', ...options, ...command);
}

async function kill(sandbox: Sandbox, place: SandboxPlace): Promise<void> {
  process.kill(sandbox.pid, 'SIGKILL');
  await eventually('engine ended', 10_000, async () => ((await sandboxStatus(place)) ? undefined : true));
}

const isBack = (sandbox: Sandbox) =>
  eventually('container is back', 10_000, () => dockerOf(sandbox).docker('exec', 'user', 'cat', '/kept/a.txt'));

test('after a killed engine, clean unmounts volumes before it deletes, and the data behind them stay', async () => {
  const { options, remove, layout, files } = sandboxUnderTest('killed');
  try {
    const data = join(files, 'data with blank');
    writeFiles(data, { 'a.bin': 'a'.repeat(100_000), 'deep/b.txt': 'b' });
    const before = hashes(data);
    const sandbox = await startSandbox(options);
    await runWithBindVolume(sandbox, data);
    await kill(sandbox, options);

    expect(mountsBelow(layout.dir)).toContain(join(layout.dataRoot, 'volumes/kept/_data'));
    expect(processesInCgroup(layout.cgroup)).not.toEqual([]);
    // Two at once, as after an interrupted test run: the second finds nothing to do.
    await Promise.all([cleanSandbox(options), cleanSandbox(options)]);

    expect(existsSync(layout.dir)).toBe(false);
    expect(hashes(data)).toEqual(before);
    expect(mountsBelow(options.stateDir)).toEqual([]);
    expect(processesInCgroup(layout.cgroup)).toEqual([]);
    expect(cgroupDirs(layout.cgroup)).toEqual([]);
    expect(processesWithArgs(['-address', layout.containerdSocket])).toEqual([]);
    expect(processesWithArgs(['containerd', '--config', layout.containerdConfig])).toEqual([]);
  } finally {
    await remove();
  }
});

test('a start after a stop or a kill restores containers and data and keeps official images; clean keeps instances', async () => {
  const { options, remove, layout, files } = sandboxUnderTest('again');
  try {
    writeFiles(join(files, 'data'), { 'a.txt': 'a' });
    const first = await startSandbox(options);
    await runWithBindVolume(first, join(files, 'data'), '--restart=unless-stopped');
    writeFiles(first.instancesDir, { 'dev/.env': 'KEY=value' });
    await run(['tar', '--create', `--file=${files}.tar`, `--directory=${files}`, '.']);
    const official = await dockerOf(first).docker('import', `${files}.tar`, upstream.grafana);

    await stopSandbox(options);
    expect(await sandboxStatus(options)).toBeUndefined();
    expect(mountsBelow(layout.dir)).toEqual([]);
    const second = await startSandbox(options);
    expect(await isBack(second)).toBe('a');

    await kill(second, options);
    const third = await startSandbox(options);
    expect(third.pid).not.toBe(second.pid);
    expect(await isBack(third)).toBe('a');
    expect(await dockerOf(third).docker('image', 'inspect', '--format={{.Id}}', upstream.grafana)).toBe(official);

    await cleanSandbox(options);
    expect(readdirSync(layout.dir)).toEqual(['instances']);
    expect(readFileSync(join(third.instancesDir, 'dev/.env'), 'utf8')).toBe('KEY=value');
  } finally {
    await remove();
  }
});

test("another engine's published port and the firewall rules here stay as they were", async () => {
  const { options, remove, files } = sandboxUnderTest('beside');
  const name = `outer-${process.pid}`;
  const address = '127.0.10.77:18080';
  writeFiles(files, { 'outer/index.html': 'outer', 'inner/index.html': 'inner' });
  const server = [
    '--stop-timeout=1',
    '--publish',
    `${address}:80`,
    upstream.redis,
    'httpd',
    '-f',
    '-p',
    '80',
    '-h',
    '/www',
  ];
  try {
    await outerDocker('run', '--detach', '--name', name, '--volume', `${join(files, 'outer')}:/www:ro`, ...server);
    const rules = async () => (await run(iptables)).stdout.replace(/^#.*$/gm, '').replace(/\[\d+:\d+\]/g, '');
    const ask = async (...enter: string[]) =>
      (await run([...enter, process.execPath, '-e', fetchText, `http://${address}/`])).stdout;
    await eventually('outer server', 10_000, async () => ((await ask()) === 'outer' ? true : undefined));
    const before = await rules();

    const sandbox = await startSandbox(options);
    const { docker } = dockerOf(sandbox);
    await docker('run', '--detach', '--volume', `${join(files, 'inner')}:/www:ro`, ...server);
    const enter = ['nsenter', `--net=/proc/${sandbox.pid}/ns/net`, '--'];
    await eventually('inner server', 10_000, async () => ((await ask(...enter)) === 'inner' ? true : undefined));

    expect(before).toContain('18080');
    expect(await rules()).toBe(before);
    expect(await ask()).toBe('outer');
    await cleanSandbox(options);
    expect(await rules()).toBe(before);
    expect(await ask()).toBe('outer');
  } finally {
    await outerDocker('rm', '--force', name);
    await remove();
  }
});

test('host network: refused if another engine runs in it', async () => {
  const { options, remove } = sandboxUnderTest('refused');
  try {
    await expect(startSandbox({ ...options, netns: 'host' })).rejects.toMatchObject({ code: 'E_OTHER_ENGINE' });
  } finally {
    await remove();
  }
});
