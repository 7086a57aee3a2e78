import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ping } from '../../docker/engine-api.ts';
import { UserError } from '../../host/errors.ts';
import { unmountBelow } from '../../host/mounts.ts';
import type { Progress } from '../../host/output.ts';
import { run } from '../../host/process.ts';
import {
  cgroupOf,
  end,
  identify,
  isAlive,
  isContainerInit,
  type ProcessId,
  processesInCgroup,
  processesWithArgs,
  signal,
  waitForEnd,
} from '../../host/processes.ts';
import { waitUntil } from '../../host/wait.ts';
import { systemPath } from './install.ts';
import type { Layout } from './layout.ts';

const startTimeoutMs = 60_000;
// PostgreSQL may need two minutes to shut down; each container's own stop timeout is shorter than this one.
const shutdownTimeoutSeconds = 130;
const orphanGraceMs = 15_000;
const startDetachedScript = fileURLToPath(new URL('start-detached.sh', import.meta.url));

export function containerdConfig(layout: Layout): string {
  return [
    'version = 2',
    `root = ${JSON.stringify(layout.containerdRoot)}`,
    `state = ${JSON.stringify(layout.containerdState)}`,
    'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
    '[grpc]',
    `address = ${JSON.stringify(layout.containerdSocket)}`,
    '[plugins."io.containerd.internal.v1.opt"]',
    `path = ${JSON.stringify(`${layout.containerdRoot}/opt`)}`,
    '',
  ].join('\n');
}

export function dockerdCommand(layout: Layout): readonly string[] {
  return [
    'dockerd',
    // Not the host's /etc/docker/daemon.json, which configures the host's engine.
    `--config-file=${layout.daemonConfig}`,
    `--data-root=${layout.dataRoot}`,
    `--exec-root=${layout.execRoot}`,
    `--pidfile=${layout.pidFile}`,
    `--containerd=${layout.containerdSocket}`,
    `--host=unix://${layout.socket}`,
    '--group=docker',
    '--live-restore=false',
    // A cgroup path works the same with and without systemd, on cgroup v1 and v2.
    '--exec-opt=native.cgroupdriver=cgroupfs',
    `--cgroup-parent=${layout.cgroup}`,
    `--shutdown-timeout=${shutdownTimeoutSeconds}`,
  ];
}

export const daemonConfig = (layout: Layout) => ({
  'deprecated-key-path': `${layout.dir}/key.json`,
  // Engines before 23 never prune the build cache by themselves, and each deploy adds about 45 MB to it.
  builder: { gc: { enabled: true, defaultKeepStorage: '2GB' } },
});

export interface EngineProcess {
  readonly dockerd: ProcessId;
  readonly containerd: ProcessId;
}

/** Starts containerd and dockerd detached and waits until the engine answers. */
export async function startDockerd(layout: Layout, netns: 'host' | 'own', progress: Progress): Promise<EngineProcess> {
  await prepareDirectories(layout);
  const ownNetwork = netns === 'own' ? ['unshare', '--net', '--'] : [];
  const containerd = await startDetached(layout, [...ownNetwork, 'containerd', '--config', layout.containerdConfig]);
  try {
    await waitFor(layout, containerd, 'containerd', progress, () => isSocket(layout.containerdSocket));
    const enter = netns === 'own' ? ['nsenter', `--net=/proc/${containerd.pid}/ns/net`, '--'] : [];
    if (netns === 'own') await run([...enter, 'ip', 'link', 'set', 'lo', 'up']);
    // In containerd's network namespace, so that a container with `--network host` gets it.
    const dockerd = await startDetached(layout, [...enter, ...dockerdCommand(layout)]);
    await waitFor(layout, dockerd, 'dockerd', progress, () => ping(layout.socket));
    return { dockerd, containerd };
  } catch (error) {
    await endEngine(layout);
    throw error;
  }
}

/**
 * Ends the engine's processes and its containers, and unmounts its mounts.
 * dockerd stops its containers itself, so they start again with it. Containers of a killed dockerd are stopped here.
 */
export async function endEngine(layout: Layout): Promise<void> {
  await end(dockerdProcesses(layout), 'SIGTERM', (shutdownTimeoutSeconds + 10) * 1000);
  await endOrphans(layout);
  await end(processesWithArgs(['-address', layout.containerdSocket]), 'SIGKILL', 5_000);
  await end(containerdProcesses(layout), 'SIGTERM', 10_000);
  await unmountBelow(layout.dir);
  for (const file of [layout.pidFile, layout.socket, layout.recordFile]) rmSync(file, { force: true });
  rmSync(layout.execRoot, { recursive: true, force: true });
  await removeCgroups(layout);
}

/** One in each hierarchy of cgroup v1, a single one in v2. */
async function removeCgroups(layout: Layout): Promise<void> {
  const hierarchies = ['.', ...readdirSync('/sys/fs/cgroup')].map((name) => `/sys/fs/cgroup/${name}${layout.cgroup}`);
  const dirs = hierarchies.filter((dir) => existsSync(dir));
  if (dirs.length > 0) await run(['find', ...dirs, '-depth', '-type', 'd', '-delete'], { allowedExitCodes: 'any' });
}

/** Found by the paths in its arguments, which no other engine has: works without the record file. */
function dockerdProcesses(layout: Layout): ProcessId[] {
  return processesWithArgs([`--data-root=${layout.dataRoot}`, `--exec-root=${layout.execRoot}`]);
}

function containerdProcesses(layout: Layout): ProcessId[] {
  return processesWithArgs(['containerd', '--config', layout.containerdConfig]);
}

async function endOrphans(layout: Layout): Promise<void> {
  const orphans = processesInCgroup(layout.cgroup);
  for (const id of orphans.filter(({ pid }) => isContainerInit(pid))) signal(id, stopSignal(layout, id.pid));
  const left = await waitForEnd(orphans, orphanGraceMs);
  await end([...left, ...processesInCgroup(layout.cgroup)], 'SIGKILL', 5_000);
}

function stopSignal(layout: Layout, pid: number): NodeJS.Signals {
  const containerId = cgroupOf(pid).match(/\/([0-9a-f]{64})(?:\n|$)/)?.[1];
  try {
    const text = readFileSync(`${layout.dataRoot}/containers/${containerId}/config.v2.json`, 'utf8');
    const name = (JSON.parse(text) as { Config?: { StopSignal?: string } }).Config?.StopSignal;
    return name === 'SIGINT' || name === 'SIGQUIT' || name === 'SIGUSR1' ? name : 'SIGTERM';
  } catch {
    return 'SIGTERM';
  }
}

async function prepareDirectories(layout: Layout): Promise<void> {
  mkdirSync(layout.instancesDir, { recursive: true });
  // Independent of the umask: users in the docker group must reach the socket.
  for (const dir of [layout.dir, layout.instancesDir]) chmodSync(dir, 0o755);
  mkdirSync(layout.containerdState, { recursive: true, mode: 0o711 });
  if ((await run(['getent', 'group', 'docker'], { allowedExitCodes: 'any' })).exitCode !== 0) {
    await run([...withSystemPath, 'groupadd', '--system', 'docker']);
  }
  writeFileSync(layout.containerdConfig, containerdConfig(layout));
  writeFileSync(layout.daemonConfig, `${JSON.stringify(daemonConfig(layout))}\n`);
  writeFileSync(layout.logFile, '');
}

const withSystemPath = ['env', `PATH=${systemPath.join(':')}`];

async function startDetached(layout: Layout, argv: readonly string[]): Promise<ProcessId> {
  const { stdout } = await run(['sh', startDetachedScript, layout.logFile, ...withSystemPath, ...argv]);
  const id = identify(Number(stdout.trim()));
  if (id === undefined) throw engineError(layout, `${argv.join(' ')} exited at once`);
  return id;
}

async function waitFor(
  layout: Layout,
  id: ProcessId,
  name: string,
  progress: Progress,
  isReady: () => boolean | Promise<boolean>,
): Promise<void> {
  const look = async () => ((await isReady()) ? 'answers' : isAlive(id) ? 'starts' : 'ended');
  const { last } = await waitUntil(look, {
    isOver: (seen) => seen !== 'starts',
    timeoutMs: startTimeoutMs,
    mostPauseMs: 250,
    onPause: () => progress.tick(`waiting for ${name}`),
  });
  if (last === 'ended') throw engineError(layout, `${name} exited before it answered`);
  if (last === 'starts') throw engineError(layout, `${name} did not answer within ${startTimeoutMs / 1000} s`);
}

function isSocket(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isSocket() === true;
}

function engineError(layout: Layout, what: string): UserError {
  const lastLines = readFileSync(layout.logFile, 'utf8').trim().split('\n').slice(-10).join('\n');
  return new UserError(
    'E_SANDBOX_ENGINE',
    `sandbox ${layout.name}: ${what} (last of ${layout.logFile}):\n${lastLines}`,
    'Fix what the log reports, then run this again: ./gatewayctl sandbox start',
  );
}
