import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { docker, eventually, gatewayctl, makeShell, type Shell, tearDown } from '../helpers/engine.ts';

const project = 'taxlien-gateway-dev';
const services = ['db', 'gateway', 'grafana', 'prometheus', 'redis'];
const containers = services.map((service) => `${project}-${service}`);
let shell: Shell;

beforeAll(async () => {
  shell = await makeShell('read-only');
  await gatewayctl(shell, ['up', 'dev']);
});

afterAll(() => tearDown(shell, 'dev'));

/** Every container of this engine by id, name and state; one that keeps restarting alternates between two states. */
const seen = async () =>
  (await docker('ps', '--all', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.State}}'))
    .split('\n')
    .sort()
    .map((line) => line.replace(/restarting$/, 'running'));

/** Runs a read-only verb and returns its output. */
async function look(...verb: readonly string[]): Promise<string> {
  const before = await seen();
  const { stdout } = await gatewayctl(shell, verb, 'any');
  expect(await seen(), `after ${verb.join(' ')}`).toEqual(before);
  return stdout;
}

const stateOf = (service: string) => docker('inspect', '--format', '{{.State.Status}}', `${project}-${service}`);

const clean = 'dev: nothing was changed by hand.\n';
const drifted = (...lines: readonly string[]) =>
  `# dev: changed by hand\n\n${lines.map((line) => `- ${line}\n`).join('')}\n<code>./gatewayctl up dev</code> repairs it.\n`;

describe('read-only verbs leave every container as it is', () => {
  test('paused', async () => {
    await docker('pause', `${project}-redis`);
    expect(await look('drift', 'dev')).toBe(clean);
    await look('preview', 'dev');
    await docker('unpause', `${project}-redis`);
  });

  test('one that ends at each start', async () => {
    const dir = join(shell.root, 'dev/secrets/gateway');
    const setModes = (mode: number) => {
      for (const name of readdirSync(dir)) chmodSync(join(dir, name), mode);
    };
    setModes(0o000);
    await docker('restart', `${project}-gateway`);
    await eventually('a gateway that cannot start', 60_000, async () =>
      (await stateOf('gateway')) === 'restarting' ? true : undefined,
    );
    expect(await look('drift', 'dev')).toBe(clean);
    await look('preview', 'dev');
    setModes(0o400);
    await eventually('a gateway that runs', 60_000, async () =>
      (await stateOf('gateway')) === 'running' ? true : undefined,
    );
  });

  test('each of the five stopped, and drift names the stop', async () => {
    await docker('stop', ...containers);
    const sorted = (text: string) => text.split('\n').sort();
    const wanted = drifted(...services.map((service) => `${service}: is stopped`));
    expect(sorted(await look('drift', 'dev'))).toEqual(sorted(wanted));
    const shown = await look('preview', 'dev');
    for (const service of services) expect(shown).toMatch(new RegExp(`Container taxlien-${service} replace .*mustRun`));
    expect(await look('preview', 'dev', '--on-copy')).toMatch(/\d+ to replace/);
    expect((await look('status', 'dev')).match(/\bexited$/gm)).toHaveLength(services.length);
    await look('doctor', 'dev');
  });

  test('one of them gone, and the next up repairs all', async () => {
    await docker('rm', `${project}-grafana`);
    expect(await look('drift', 'dev')).toContain('- grafana: is gone\n');
    await gatewayctl(shell, ['up', 'dev']);
    expect(await look('drift', 'dev')).toBe(clean);
    expect((await look('status', 'dev')).match(/\bhealthy$/gm)).toHaveLength(services.length);
  });
});
