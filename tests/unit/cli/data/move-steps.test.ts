import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { copyAll, switchTo } from '../../../../cli/data/move-steps.ts';
import type { Stack } from '../../../../cli/stack/stack.ts';
import { imageMajorOf } from '../../../../docker/images/pins.ts';
import { checkoutDir } from '../../../../host/git.ts';
import type { RunResult } from '../../../../host/process.ts';
import { currentMarker, readMarker, writeMarker } from '../../../../instance/data-markers.ts';
import { readMove, writeMove } from '../../../../instance/move-journal.ts';
import type { Settings } from '../../../../settings/load.ts';
import { FakeDocker } from '../../../helpers/fake-docker.ts';
import { testSettings } from '../../../helpers/instance.ts';
import { refusal } from '../../../helpers/refusal.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

const project = 'taxlien-gateway-dev';
const named = (...services: string[]) => services.map((service) => `${project}-${service}`);
// Rootless: the files of the test need not belong to the containers' users.
const info = { ID: 'id-1', Driver: 'overlay2', DockerRootDir: '/nonexistent', OperatingSystem: 'Debian' };

let root: string;
let settings: Settings;
let printed: string;
let steps: string[];

const progress = { step: (text: string) => void steps.push(text), tick: () => {}, done: () => {} };

beforeEach(() => {
  root = temporaryDir();
  settings = testSettings({ root, checkoutDir });
  printed = '';
  steps = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
  writeFiles(root, { 'dev/instance-id': 'the-id\n' });
  const redis = join(settings.dataDir, 'redis');
  writeFiles(redis, { 'dump.rdb': '' });
  writeMarker(settings.instance, 'redis', currentMarker(settings.instance, redis, imageMajorOf('redis')));
});

const to = () => join(root, 'disk');

type Answer = (args: readonly string[]) => Partial<RunResult> | undefined;

/** A stack on a daemon that has these containers; `answer` overrides what it says. */
function stackOn(containers: readonly string[], answer: Answer = () => undefined): Stack & { docker: FakeDocker } {
  const docker = new FakeDocker((args) => {
    const own = answer(args);
    if (own !== undefined) return own;
    if (args[0] === 'version') return { stdout: 'linux amd64 1.52 1.24' };
    if (args[0] === 'info') return { stdout: JSON.stringify({ ...info, SecurityOptions: ['name=rootless'] }) };
    if (args[0] === 'ps' && args.includes('{{.Names}}')) return { stdout: containers.join('\n') };
    if (args[0] === 'run') return { stdout: args.includes('du') ? '1\t.\n' : '' };
    return args[1] === 'inspect' ? { stdout: '[]' } : {};
  });
  const engine = { kind: 'daemon', docker, root } as const;
  return { instance: settings.instance, engine, checkoutDir: settings.checkoutDir, exports: {}, docker };
}

const callsOf = (docker: FakeDocker, ...verbs: string[]) =>
  docker.calls.filter((call) => verbs.includes(call.split(' ')[0] ?? '') && !call.includes('-copy'));

describe('copying all data', () => {
  const full: Answer = (args) => (args.includes('cp') ? { exitCode: 1, stderr: 'No space left on device' } : undefined);

  test('a service stops before those that it uses, and the copy is recorded', async () => {
    const stack = stackOn(named('db', 'grafana', 'gateway'));
    await copyAll(stack, settings, to(), progress);
    expect(callsOf(stack.docker, 'stop', 'start')).toEqual(
      named('gateway', 'grafana', 'db').map((name) => `stop ${name}`),
    );
    expect(readMove(settings.instance)).toEqual({ from: settings.dataDir, to: to(), phase: 'switching' });
    expect(steps.at(-1)).toBe('copying redis');
  });

  test('after a failure the services start again on the old data, the last one that stopped first', async () => {
    const stack = stackOn(named('db', 'gateway'), full);
    expect(await refusal(copyAll(stack, settings, to(), progress))).toContain('No space left on device');
    expect(callsOf(stack.docker, 'stop', 'start')).toEqual([
      `stop ${project}-gateway`,
      `stop ${project}-db`,
      `start ${project}-db ${project}-gateway`,
    ]);
    expect(printed).toBe(`dev runs on ${settings.dataDir} as before\n`);
    expect(readMove(settings.instance)?.phase).toBe('copying');
  });

  test('a service that does not stop is no reason to leave the others stopped', async () => {
    const stack = stackOn(named('db', 'gateway', 'redis'), (args) =>
      args[0] === 'stop' && args[1] === `${project}-redis` ? { exitCode: 1, stderr: 'cannot stop' } : undefined,
    );
    expect(await refusal(copyAll(stack, settings, to(), progress))).toContain('cannot stop');
    expect(callsOf(stack.docker, 'start')).toEqual([`start ${project}-redis ${project}-gateway`]);
    expect(printed).toContain('as before');
  });

  test('services that do not start again do not hide why the copy failed', async () => {
    const stack = stackOn(named('db'), (args) =>
      args[0] === 'start' ? { exitCode: 1, stderr: 'port is taken' } : full(args),
    );
    expect(await refusal(copyAll(stack, settings, to(), progress))).toContain('No space left on device');
    expect(printed).toBe(
      `E_PROCESS  docker start ${project}-db: exit 1\nport is taken\nRun ./gatewayctl up dev: it starts the services on ${settings.dataDir}.\n`,
    );
  });

  test('services that a killed run has stopped are not said to run', async () => {
    const stack = stackOn([], full);
    expect(await refusal(copyAll(stack, settings, to(), progress))).toContain('No space left on device');
    expect([callsOf(stack.docker, 'start'), printed]).toEqual([[], '']);
  });

  test('a refused directory stops and records nothing', async () => {
    writeFiles(root, { 'disk/file': '' });
    const stack = stackOn(named('db'));
    expect(await refusal(copyAll(stack, settings, to(), progress))).toContain('must be empty or missing (got file)');
    expect([callsOf(stack.docker, 'stop'), readMove(settings.instance)]).toEqual([[], undefined]);
  });
});

describe('switching to the copy', () => {
  const volumes = { stdout: `${project}_redis\n${project}_extra\n` };

  test('removes only objects of the stack, and points volumes, .env and marker at the copy', async () => {
    mkdirSync(join(to(), 'redis'), { recursive: true });
    writeMove(settings.instance, { from: settings.dataDir, to: to(), phase: 'switching' });
    const stack = stackOn([...named('db', 'redis'), `${project}-copy`], (args) =>
      args[1] === 'ls' ? volumes : undefined,
    );
    await switchTo(stack, settings, to(), progress);
    expect(stack.docker.calls.filter((call) => /^(volume )?rm /.test(call))).toEqual([
      `rm ${project}-db ${project}-redis`,
      `volume rm ${project}_redis`,
    ]);
    const created = stack.docker.calls.filter((call) => call.startsWith('volume create'));
    expect(created.map((call) => /device=(\S+)/.exec(call)?.[1])).toEqual(
      ['postgres', 'redis', 'raw', 'prometheus', 'grafana'].map((volume) => join(to(), volume)),
    );
    expect(readFileSync(settings.instance.envFile, 'utf8')).toContain(`\nDATA_DIR=${to()}\n`);
    expect(readMarker(settings.instance, 'redis')?.path).toBe(join(to(), 'redis'));
    expect([readMarker(settings.instance, 'db'), readMove(settings.instance)]).toEqual([undefined, undefined]);
  });

  test('after a kill, a second run finds nothing to remove and ends the same', async () => {
    mkdirSync(join(to(), 'redis'), { recursive: true });
    await switchTo(stackOn(named('db')), settings, to(), progress);
    const text = readFileSync(settings.instance.envFile, 'utf8');
    const again = stackOn([]);
    await switchTo(again, settings, to(), progress);
    expect(again.docker.calls.filter((call) => /^(volume )?rm /.test(call))).toEqual([]);
    expect(readFileSync(settings.instance.envFile, 'utf8')).toBe(text);
  });

  test('a container that still runs ends it before .env and journal change', async () => {
    const move = { from: settings.dataDir, to: to(), phase: 'switching' } as const;
    writeMove(settings.instance, move);
    const stack = stackOn(named('db'), (args) =>
      args[0] === 'rm' ? { exitCode: 1, stderr: 'is running' } : undefined,
    );
    expect(await refusal(switchTo(stack, settings, to(), progress))).toContain('is running');
    expect(readMove(settings.instance)).toEqual(move);
    expect(readFileSync(settings.instance.envFile, 'utf8')).not.toContain('DATA_DIR');
  });
});
