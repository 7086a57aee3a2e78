import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { pinsIn } from '../../docker/images/pins.ts';
import type upstreamImages from '../../docker/images/upstream-images.json';
import { run } from '../../host/process.ts';
import { serveAlteredDaemon } from '../helpers/altered-daemon.ts';
import {
  type Checkout,
  checkoutAt,
  containerIds,
  containersOf,
  docker,
  gatewayctl,
  type Inspected,
  makeShell,
  type Shell,
  shellEnvironment,
  tearDown,
} from '../helpers/engine.ts';
import { completeTask, fetchResult, sha256, workerOf } from '../helpers/worker.ts';

/** The version that stacks are upgraded from: the last whose containers name no network mode. */
const oldCommit = '1dd94d4a69c354234d15b72db26734eaebc6b5a2';
const project = 'taxlien-gateway-dev';
const services = ['db', 'gateway', 'grafana', 'prometheus', 'redis'];
const result = new TextEncoder().encode(`raw body ${'x'.repeat(100_000)}`);

/** Images that a checkout needs, in the same order for every version. */
function imagesOf({ dir }: Checkout, list: string): readonly string[] {
  const upstream = JSON.parse(readFileSync(join(dir, list), 'utf8')) as typeof upstreamImages;
  return pinsIn(upstream, readFileSync(join(dir, 'Dockerfile.gateway'), 'utf8')).map(({ reference }) => reference);
}

/** Tags today's stand-ins with the names of the old images that the engine lacks. Returns these names. */
async function nameAsOld(today: Checkout, old: Checkout): Promise<readonly string[]> {
  const current = imagesOf(today, 'docker/images/upstream-images.json');
  const given: string[] = [];
  for (const [index, reference] of imagesOf(old, 'components/upstream-images.json').entries()) {
    if ((await docker('image', 'ls', '--quiet', reference)) !== '') continue;
    await docker('tag', current[index] ?? '', reference);
    given.push(reference);
  }
  return given;
}

const markersOf = ({ root }: Shell) => {
  const dir = join(root, 'dev/data/.owners');
  return Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), 'utf8')]));
};

const isOther = (before?: Inspected, after?: Inspected) =>
  before?.Image !== after?.Image ||
  JSON.stringify([...(before?.Config.Env ?? [])].sort()) !== JSON.stringify([...(after?.Config.Env ?? [])].sort());

describe('a stack of an earlier version', () => {
  let old: Checkout;
  let shell: Shell;
  let named: readonly string[] = [];
  let taskId: string;

  beforeAll(async () => {
    old = await checkoutAt(oldCommit, 'old');
    shell = await makeShell('upgrade');
    named = await nameAsOld(shell.checkout, old);
    const argv = [process.execPath, '--disable-warning=ExperimentalWarning', join(old.dir, 'cli/main.ts'), 'up', 'dev'];
    await run(argv, { cwd: '/', env: shellEnvironment(shell) });
    taskId = await completeTask(workerOf(shell.root, 'dev'), result);
  });

  afterAll(async () => {
    await tearDown(shell, 'dev');
    if (named.length > 0) await docker('image', 'rm', ...named);
    old.remove();
  });

  test('up replaces exactly the containers whose image or environment changed, and keeps the data', async () => {
    const [before, markers] = [await containersOf(project), markersOf(shell)];
    const { stdout } = await gatewayctl(shell, ['up', 'dev']);
    const after = await containersOf(project);
    const replaced = services.filter((service) => before[service]?.Id !== after[service]?.Id);
    expect(replaced, stdout).toEqual(services.filter((service) => isOther(before[service], after[service])));
    expect(Object.keys(before).sort()).toEqual(services);
    expect(services.map((service) => after[service]?.State.Health.Status)).toEqual(services.map(() => 'healthy'));
    expect(markersOf(shell)).toEqual(markers);
    expect(sha256(await fetchResult(workerOf(shell.root, 'dev'), taskId))).toBe(sha256(result));
  });

  test('up replaces nothing when the engine is upgraded, by a stand-in', async () => {
    const daemon = await serveAlteredDaemon({ isNewer: true });
    onTestFinished(() => daemon.stop());
    const before = await containerIds(project);
    const { stdout } = await gatewayctl({ ...shell, env: { ...process.env, DOCKER_HOST: daemon.dockerHost } }, [
      'up',
      'dev',
    ]);
    expect(stdout).not.toMatch(/\d+ (created|updated|replaced|deleted)/);
    expect(await containerIds(project)).toEqual(before);
  });
});
