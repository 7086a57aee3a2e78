import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setEnvValue } from '../../settings/env-edit.ts';
import { instanceOf } from '../../settings/instance.ts';
import { beginRotation, readRotation } from '../../settings/rotation.ts';
import {
  type Checkout,
  containerIds,
  copyCheckout,
  docker,
  gatewayctl,
  inStackShell,
  makeRoot,
  type Shell,
  tearDown,
} from '../helpers/engine.ts';
import { filesBelow, secretsIn, watchArguments } from '../helpers/leaks.ts';
import { completeTask, envValue, fetchResult, workerOf } from '../helpers/worker.ts';

const project = 'taxlien-gateway-dev';
const services = ['gateway', 'db', 'redis', 'prometheus', 'grafana'];

describe('rotate', () => {
  let checkout: Checkout;
  let shell: Shell;
  let taskId: string;

  beforeAll(async () => {
    checkout = await copyCheckout('rotate');
    shell = { checkout, root: makeRoot('rotate') };
    await gatewayctl(shell, ['up', 'dev']);
    taskId = await completeTask(workerOf(shell.root, 'dev'), new TextEncoder().encode('kept'));
  });

  afterAll(async () => {
    await tearDown(shell, 'dev');
  });

  const instance = () => instanceOf('dev', shell.root);
  const secretsNow = () =>
    Object.fromEntries(
      ['POSTGRES_PASSWORD', 'REDIS_PASSWORD', 'WORKER_TOKEN', 'GRAFANA_ADMIN_PASSWORD'].map((key) => [
        key,
        envValue(shell.root, 'dev', key),
      ]),
    );
  const isKept = async () =>
    new TextDecoder().decode(await fetchResult(workerOf(shell.root, 'dev'), taskId)) === 'kept';
  const grafanaStatus = async (password: string) => {
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
    return (await fetch('http://127.0.10.1:3000/api/datasources', { headers: { authorization } })).status;
  };

  test.each([
    ['WORKER_TOKEN', ['gateway']],
    ['REDIS_PASSWORD', ['gateway', 'redis']],
    ['GRAFANA_ADMIN_PASSWORD', ['grafana']],
    ['POSTGRES_PASSWORD', ['gateway', 'db']],
  ])('%s: the value changes, its users are replaced, and nothing else', async (variable, users) => {
    const [before, text, ids] = [secretsNow(), readFileSync(instance().envFile, 'utf8'), await containerIds(project)];
    const stop = watchArguments();
    const { stdout, stderr } = await gatewayctl(shell, ['rotate', 'dev', variable]);
    const argumentLists = [...stop()].join('\n');
    const after = secretsNow();
    expect(Object.keys(after).filter((key) => after[key] !== before[key])).toEqual([variable]);
    expect(readFileSync(instance().envFile, 'utf8')).toBe(text.replace(before[variable] ?? '', after[variable] ?? ''));
    const newIds = await containerIds(project);
    expect(services.filter((service) => newIds[service] !== ids[service])).toEqual(users);
    expect(await isKept()).toBe(true);
    expect(await grafanaStatus(after.GRAFANA_ADMIN_PASSWORD ?? '')).toBe(200);
    if (variable === 'GRAFANA_ADMIN_PASSWORD') expect(await grafanaStatus(before[variable] ?? '')).toBe(401);
    expect(readRotation(instance())).toBeUndefined();
    const state = Object.values(filesBelow(instance().stateDir)).join('\n');
    const logs = (await docker('logs', `${project}-db`)) + (await docker('logs', `${project}-grafana`));
    expect(secretsIn(stdout + stderr + argumentLists + state + logs, after)).toEqual([]);
  });

  test('goes on where a kill stopped it, with the value of its first start', async () => {
    const before = envValue(shell.root, 'dev', 'POSTGRES_PASSWORD');
    const after = 'value-of-a-rotation-that-was-killed';
    // Killed right after the journal.
    beginRotation(instance(), { variable: 'POSTGRES_PASSWORD', before, after });
    const other = await gatewayctl(shell, ['rotate', 'dev', 'WORKER_TOKEN'], 'any');
    expect([other.exitCode, other.stderr]).toEqual([1, expect.stringContaining('POSTGRES_PASSWORD first')]);
    await gatewayctl(shell, ['rotate', 'dev', 'POSTGRES_PASSWORD']);
    expect(envValue(shell.root, 'dev', 'POSTGRES_PASSWORD')).toBe(after);
    expect(await isKept()).toBe(true);
    // Killed after the database took the value, before the .env did.
    const text = readFileSync(instance().envFile, 'utf8');
    setEnvValue(instance().envFile, 'POSTGRES_PASSWORD', before);
    beginRotation(instance(), { variable: 'POSTGRES_PASSWORD', before, after });
    const plain = await inStackShell(shell, 'dev', ['pulumi', 'up', '--yes', '--skip-preview']);
    expect([plain.exitCode, plain.stdout + plain.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining('E_ROTATION_OPEN'),
    ]);
    await gatewayctl(shell, ['up', 'dev']);
    expect(readFileSync(instance().envFile, 'utf8')).toBe(text);
    // Killed after all but the journal's end.
    beginRotation(instance(), { variable: 'POSTGRES_PASSWORD', before, after });
    await gatewayctl(shell, ['rotate', 'dev', 'POSTGRES_PASSWORD']);
    expect(await isKept()).toBe(true);
    expect(readRotation(instance())).toBeUndefined();
  });

  test('refuses what is no secret', async () => {
    const { exitCode, stderr } = await gatewayctl(shell, ['rotate', 'dev', 'BIND_IP'], 'any');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('Name one of POSTGRES_PASSWORD, REDIS_PASSWORD')]);
  });
});
