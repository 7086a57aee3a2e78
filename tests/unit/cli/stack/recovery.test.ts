import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { recoverStack } from '../../../../cli/stack/recovery.ts';
import { markName } from '../../../../cli/stack/run-pulumi.ts';
import type { Stack } from '../../../../cli/stack/stack.ts';
import { checkpointFile, pulumiLocksDir, type StateResource } from '../../../../cli/stack/state-files.ts';
import type { Settings } from '../../../../settings/load.ts';
import { FakeDocker } from '../../../helpers/fake-docker.ts';
import { testSettings } from '../../../helpers/instance.ts';
import { stubToolchain } from '../../../helpers/stub-toolchain.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

const progress = { step: () => {}, tick: () => {}, done: () => {} };
const container = (id: string): StateResource => ({ type: 'docker:index/container:Container', id });
const network = (id: string): StateResource => ({ type: 'docker:index/network:Network', id });

let settings: Settings;
let log: string;

beforeEach(() => {
  // An address of no instance: a docker-proxy of another one must stay.
  settings = testSettings({ variables: { BIND_IP: '127.81.7.4' } });
  log = join(temporaryDir(), 'pulumi.log');
  writeFiles(join(log, '..'), { 'pulumi.log': '' });
});

function writeState(resources: readonly StateResource[], pending = 0): void {
  const operation = { type: 'creating', resource: { urn: 'urn:x' } };
  const latest = { resources, pending_operations: Array.from({ length: pending }, () => operation) };
  writeFiles('/', { [checkpointFile(settings.instance)]: JSON.stringify({ version: 3, checkpoint: { latest } }) });
}

interface Daemon {
  /** Containers of the instance. */
  readonly ours?: readonly string[];
  /** Those of them that are connected to its network; default: all. */
  readonly attached?: readonly string[];
  readonly paused?: readonly string[];
  /** Containers of the steps before the swap. */
  readonly steps?: readonly string[];
  /** Networks of the instance, each with its containers. */
  readonly networks?: Readonly<Record<string, readonly string[]>>;
  /** A call that fails. */
  readonly failing?: string;
}

const oursFilter =
  '--filter label=com.docker.compose.project=taxlien-gateway-dev --filter label=taxlien-gateway.environment=dev';
const lists: Readonly<Record<string, (daemon: Daemon) => readonly string[] | undefined>> = {
  [`ps ${oursFilter}`]: ({ ours }) => ours,
  'ps --filter name=^/taxlien-gateway-dev-gateway-selfcheck$ --filter name=^/taxlien-gateway-dev-gateway-migrate$': ({
    steps,
  }) => steps,
  [`ps --filter network=taxlien-gateway-dev_default ${oursFilter}`]: ({ ours, attached = ours }) => attached,
  [`ps --filter status=paused ${oursFilter}`]: ({ paused }) => paused,
  [`network ls --no-trunc --quiet ${oursFilter}`]: ({ networks = {} }) => Object.keys(networks),
  'volume ls --format {{.Name}}': () => [],
};

/** A daemon; a call that it does not know fails. */
function dockerOf(daemon: Daemon = {}) {
  const changes: string[] = [];
  const docker = new FakeDocker((args) => {
    const call = args.join(' ').replace('ps --all --no-trunc --format {{.ID}}', 'ps');
    const holders = Object.entries(daemon.networks ?? {}).find(([id]) => call === `ps --filter network=${id}`)?.[1];
    const found = holders ?? (call in lists ? (lists[call]?.(daemon) ?? []) : undefined);
    if (found !== undefined) return { stdout: found.map((id) => `${id}\n`).join('') };
    if (!/^(rm|unpause|network (disconnect|rm)) /.test(call)) return undefined;
    changes.push(call);
    return call === daemon.failing ? { exitCode: 1, stderr: 'Error response from daemon: no\n' } : {};
  });
  return { docker, changes };
}

interface Run {
  readonly hasValidSettings?: boolean;
  readonly exitCode?: number;
}

function recover(docker: FakeDocker, { hasValidSettings = true, exitCode = 0 }: Run = {}) {
  const toolchain = stubToolchain(`echo "$PWD: $*" >>'${log}'; exit ${exitCode}`);
  const stack = {
    instance: settings.instance,
    engine: { docker, kind: 'daemon', root: '' },
    checkoutDir: log.replace(/\/pulumi\.log$/, ''),
    exports: { PATH: join(toolchain, 'bin') },
  } satisfies Stack;
  return recoverStack(stack, hasValidSettings ? settings : undefined, progress);
}

const pulumiCalls = () => readFileSync(log, 'utf8').replaceAll(realpathSync(join(log, '..')), '<checkout>');
const refresh = '<checkout>: refresh --yes --skip-preview --clear-pending-creates --non-interactive\n';

describe('what is not in the state', () => {
  test('nothing is removed from a stack that is as its state says', async () => {
    writeState([container('c1'), network('n1')]);
    const { docker, changes } = dockerOf({ ours: ['c1'], networks: { n1: ['c1'] } });
    expect(await recover(docker)).toEqual([]);
    expect([changes, pulumiCalls()]).toEqual([[], '']);
  });

  test('containers that a killed run created are removed, with those of its steps', async () => {
    // A lost network alone does not make the state an older one.
    writeState([container('c1'), network('lost')]);
    const { docker, changes } = dockerOf({ ours: ['c1', 'new'], steps: ['selfcheck', 'migrate'] });
    expect(await recover(docker)).toEqual(['removed 3 containers that are not in the state']);
    expect(changes).toEqual(['rm --force new selfcheck migrate']);
  });

  test('of an older state: its containers are disconnected from an unknown network before that is removed', async () => {
    writeState([container('c1'), container('gone'), network('old')]);
    const { docker, changes } = dockerOf({ ours: ['c1', 'c2'], networks: { n1: ['c1', 'foreign'], old: [] } });
    expect(await recover(docker)).toEqual([
      'the state is older than the running containers: removed 1 containers that are not in the state',
      'the state is older than the running containers: removed network taxlien-gateway-dev_default, which is not in the state',
    ]);
    expect(changes).toEqual([
      'rm --force c2',
      'network disconnect --force n1 c1',
      'network disconnect --force n1 foreign',
      'network rm n1',
    ]);
  });

  test('a lost container without an unknown one does not make the state an older one', async () => {
    writeState([container('c1'), container('gone')]);
    const { docker } = dockerOf({ ours: ['c1'], networks: { n1: [] } });
    expect(await recover(docker)).toEqual(['removed network taxlien-gateway-dev_default, which is not in the state']);
  });

  test('without a state, all of the instance is removed', async () => {
    const { docker, changes } = dockerOf({ ours: ['c1', 'c2'], networks: { n1: [] } });
    expect(await recover(docker)).toEqual([
      'removed 2 containers that are not in the state',
      'removed network taxlien-gateway-dev_default, which is not in the state',
    ]);
    expect(changes).toEqual(['rm --force c1 c2', 'network rm n1']);
  });
});

test('a known container that is disconnected from the network is removed, a paused one continues', async () => {
  writeState([container('c1'), container('c2'), container('c3')]);
  const { docker, changes } = dockerOf({ ours: ['c1', 'c2', 'c3'], attached: ['c1', 'c3'], paused: ['c3'] });
  expect(await recover(docker)).toEqual([
    'removed 1 containers that were disconnected from their network',
    'unpaused 1 containers',
  ]);
  expect(changes).toEqual(['rm --force c2', 'unpause c3']);
});

describe('pending operations', () => {
  test('are cleared with invalid settings too, and then docker is not asked: the names are unknown', async () => {
    writeState([container('c1')], 2);
    const { docker } = dockerOf({ ours: ['unknown'] });
    expect(await recover(docker, { hasValidSettings: false })).toEqual([
      'cleared 2 operations that a killed run left pending',
    ]);
    expect([docker.calls, pulumiCalls()]).toEqual([[], refresh]);
  });

  test('that cannot be cleared stop the deploy', async () => {
    writeState([], 1);
    await expect(recover(dockerOf().docker, { exitCode: 255 })).rejects.toMatchObject({
      code: 'E_PROCESS',
      message: expect.stringMatching(/^pulumi refresh .*: exit 255$/),
    });
    expect(pulumiCalls()).toBe(refresh);
  });

  test('stay until docker has removed what is not in the state', async () => {
    writeState([], 1);
    const { docker } = dockerOf({ networks: { n1: [] }, failing: 'network rm n1' });
    await expect(recover(docker)).rejects.toMatchObject({
      code: 'E_PROCESS',
      message: 'docker network rm n1: exit 1\nError response from daemon: no',
    });
    expect(pulumiCalls()).toBe('');
  });
});

test('a lock that is still held stops the repair before it changes anything', async () => {
  writeState([], 1);
  const lock = { pid: 1, username: 'operator', hostname: 'elsewhere', timestamp: '2026-01-01T00:00:00Z' };
  writeFiles(pulumiLocksDir(settings.instance), { 'a.json': JSON.stringify(lock) });
  const { docker } = dockerOf({ ours: ['unknown'] });
  await expect(recover(docker)).rejects.toMatchObject({ code: 'E_STATE_LOCKED' });
  expect([docker.calls, pulumiCalls()]).toEqual([[], '']);
});

test.skipIf(process.platform !== 'linux')('processes that a killed deploy left running are killed', async () => {
  const mark = (dir: string) => ({ env: { [markName]: dir } });
  const idle = ['-e', 'setTimeout(() => {}, 60_000)'];
  const [left, other] = [settings.instance.dir, `${settings.instance.dir}2`].map((dir) =>
    spawn(process.execPath, idle, mark(dir)),
  );
  if (left === undefined || other === undefined) throw new Error('not started');
  const ends = [left, other].map((child) => once(child, 'exit'));
  onTestFinished(async () => {
    for (const child of [left, other]) child.kill();
    await Promise.all(ends);
  });
  await Promise.all([left, other].map((child) => once(child, 'spawn')));
  expect(await recover(dockerOf().docker)).toEqual(['killed 1 processes that a killed deploy left running']);
  await ends[0];
  expect([left.signalCode, other.signalCode, other.exitCode]).toEqual(['SIGTERM', null, null]);
});
