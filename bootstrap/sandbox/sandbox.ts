/**
 * A private Docker engine (Debian's dockerd and containerd). All its files are below `<stateDir>/sandbox/<name>/`;
 * it touches no other engine. `host` uses this network namespace, so that a browser reaches it. `own` uses a new one
 * and no firewall rule, address or port of the host: enter it with `nsenter --net=/proc/<pid>/ns/net`. It has stand-ins
 * for the upstream images (images/) if no image registry answers, and always for `own`, which has no internet access.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ping } from '../../docker/engine-api.ts';
import { UserError } from '../../host/errors.ts';
import { withLock } from '../../host/lock.ts';
import { assertNothingMounted } from '../../host/mounts.ts';
import type { Progress } from '../../host/output.ts';
import { run } from '../../host/process.ts';
import { enginesInThisNetwork, isAlive, type ProcessId } from '../../host/processes.ts';
import { readJson, writeWhole } from '../../host/whole-file.ts';
import { endEngine, startDockerd } from './engine.ts';
import { areStandInsLoaded, loadStandIns } from './images/stand-ins.ts';
import { ensureEnginePrograms } from './install.ts';
import { type Layout, layoutOf } from './layout.ts';
import { isRegistryReachable } from './registry.ts';

export interface Sandbox {
  readonly name: string;
  readonly dir: string;
  /** `unix://<dir>/docker.sock` */
  readonly dockerHost: string;
  /** Of dockerd. */
  readonly pid: number;
  readonly netns: 'host' | 'own';
  /** `<dir>/instances` */
  readonly instancesDir: string;
}

export interface SandboxPlace {
  readonly name: string;
  /** `${XDG_STATE_HOME:-~/.local/state}/taxlien-gateway` */
  readonly stateDir: string;
}

export interface StartOptions extends SandboxPlace {
  readonly netns: 'host' | 'own';
  /** `${XDG_CACHE_HOME:-~/.cache}/taxlien-gateway` */
  readonly cacheDir: string;
  readonly progress: Progress;
}

/** The record of a running engine; valid only while these processes live. */
interface EngineRecord {
  readonly dockerd: ProcessId;
  readonly containerd: ProcessId;
  readonly netns: 'host' | 'own';
  /** Key of the loaded stand-ins; empty if there are none. */
  readonly standIns: string;
}

/** Starts the engine and loads its images; returns at once if it runs, and cleans up after a killed one first. */
export async function startSandbox(options: StartOptions): Promise<Sandbox> {
  const layout = layoutOf(options.stateDir, options.name);
  const running = await runningEngine(layout);
  if (running !== undefined && (await isFilled(running, options))) return sandboxOf(layout, running, options.netns);
  assertLinuxRoot();
  return withSandboxLock(layout, options.progress, async () => {
    const record = (await runningEngine(layout)) ?? (await startFresh(layout, options));
    const sandbox = sandboxOf(layout, record, options.netns);
    if (await isFilled(record, options)) return sandbox;
    const standIns = await loadStandIns(layout.socket, options.cacheDir, options.progress);
    writeRecord(layout, { ...record, standIns });
    return sandbox;
  });
}

/** @returns undefined if no engine of that name runs */
export async function sandboxStatus(place: SandboxPlace): Promise<Sandbox | undefined> {
  const layout = layoutOf(place.stateDir, place.name);
  const record = await runningEngine(layout);
  return record === undefined ? undefined : sandboxOf(layout, record, record.netns);
}

/** Stops containers and engine and unmounts all below its directory. Deletes nothing: the next start restores all. */
export async function stopSandbox(options: SandboxPlace & { readonly progress: Progress }): Promise<void> {
  const layout = layoutOf(options.stateDir, options.name);
  if (!existsSync(layout.dir)) return;
  assertLinuxRoot();
  await withSandboxLock(layout, options.progress, () => stop(layout, options.progress));
}

/**
 * Stops the engine, then deletes it with its images, containers and volumes. The instances' directories are the
 * user's data: they stay unless `deleteInstances` says otherwise.
 */
export async function cleanSandbox(
  options: SandboxPlace & { readonly progress: Progress; readonly deleteInstances?: boolean },
): Promise<void> {
  const layout = layoutOf(options.stateDir, options.name);
  if (!existsSync(layout.dir)) return;
  assertLinuxRoot();
  await withSandboxLock(layout, options.progress, async () => {
    // Another process may have deleted it while this one waited for the lock.
    if (!existsSync(layout.dir)) return;
    await stop(layout, options.progress);
    const keepsInstances = options.deleteInstances !== true && !isEmptyDirectory(layout.instancesDir);
    const kept = keepsInstances ? path.basename(layout.instancesDir) : undefined;
    const entries = readdirSync(layout.dir).filter((entry) => entry !== kept);
    options.progress.step(`deleting ${layout.dir}${keepsInstances ? `, but not ${layout.instancesDir}` : ''}`);
    // rm would also delete the host directory behind a volume that is still mounted here.
    assertNothingMounted(layout.dir);
    const paths = keepsInstances ? entries.map((entry) => path.join(layout.dir, entry)) : [layout.dir];
    await run(['rm', '--recursive', '--force', '--one-file-system', '--', ...paths]);
    options.progress.done(`sandbox ${layout.name} deleted`);
  });
}

async function startFresh(layout: Layout, options: StartOptions): Promise<EngineRecord> {
  if (existsSync(layout.dir)) await endEngine(layout);
  if (options.netns === 'host') assertNoOtherEngine(layout);
  await ensureEnginePrograms(options.progress);
  options.progress.step(`starting the sandbox's Docker engine in ${layout.dir}`);
  const engine = await startDockerd(layout, options.netns, options.progress);
  const record = { ...engine, netns: options.netns, standIns: '' };
  writeRecord(layout, record);
  options.progress.done('engine runs');
  return record;
}

async function stop(layout: Layout, progress: Progress): Promise<void> {
  progress.step(`stopping sandbox ${layout.name} and its containers`);
  await endEngine(layout);
  progress.done(`sandbox ${layout.name} stopped`);
}

async function isFilled(record: EngineRecord, options: StartOptions): Promise<boolean> {
  // An engine with stand-ins keeps them even if a registry answers later: they wrote its data.
  const mayPull = options.netns === 'host' && record.standIns === '';
  if (mayPull && (await isRegistryReachable(options.cacheDir, options.progress))) return true;
  return areStandInsLoaded(layoutOf(options.stateDir, options.name).socket, record.standIns);
}

async function runningEngine(layout: Layout): Promise<EngineRecord | undefined> {
  const record = readRecord(layout);
  if (record === undefined || !isAlive(record.dockerd) || !isAlive(record.containerd)) return undefined;
  return (await ping(layout.socket)) ? record : undefined;
}

function sandboxOf(layout: Layout, record: EngineRecord, wanted: 'host' | 'own'): Sandbox {
  if (record.netns !== wanted) {
    throw new UserError(
      'E_SANDBOX_NETWORK',
      `sandbox ${layout.name}: must be in ${networkName(wanted)} (got one running in ${networkName(record.netns)})`,
      'Run ./gatewayctl sandbox stop, then the same command again.',
    );
  }
  return {
    name: layout.name,
    dir: layout.dir,
    dockerHost: `unix://${layout.socket}`,
    pid: record.dockerd.pid,
    netns: record.netns,
    instancesDir: layout.instancesDir,
  };
}

function networkName(netns: 'host' | 'own'): string {
  return netns === 'host' ? "the host's network namespace" : 'a network namespace of its own';
}

function assertNoOtherEngine(layout: Layout): void {
  const others = enginesInThisNetwork();
  if (others.length === 0) return;
  throw new UserError(
    'E_OTHER_ENGINE',
    `sandbox ${layout.name}: another Docker engine runs in this network namespace (pid ${others.join(', ')}); a second one would wipe its firewall rules`,
    'Use that engine: point DOCKER_HOST to its socket; or stop it first.',
  );
}

function assertLinuxRoot(): void {
  if (process.platform === 'linux' && process.arch === 'x64' && process.getuid?.() === 0) return;
  throw new UserError(
    'E_SANDBOX_HOST',
    `sandbox: needs root on 64-bit x86 Linux (got uid ${process.getuid?.()} on ${process.platform} ${process.arch})`,
    'Run this as root, or start a Docker daemon and use that.',
  );
}

function withSandboxLock<T>(layout: Layout, progress: Progress, work: () => Promise<T>): Promise<T> {
  mkdirSync(path.dirname(layout.lockFile), { recursive: true, mode: 0o755 });
  return withLock(layout.lockFile, { describe: `sandbox ${layout.name}`, progress }, work);
}

const readRecord = (layout: Layout) => readJson(layout.recordFile) as EngineRecord | undefined;

const writeRecord = (layout: Layout, record: EngineRecord) =>
  writeWhole(layout.recordFile, `${JSON.stringify(record)}\n`, 0o644);

function isEmptyDirectory(dir: string): boolean {
  return !existsSync(dir) || readdirSync(dir).length === 0;
}
