import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { psql } from '../../cli/deploy/psql.ts';
import { DockerClient } from '../../docker/client.ts';
import { resolveDockerHost } from '../../docker/host.ts';
import { readRotation } from '../../instance/rotation-journal.ts';
import { instanceOf } from '../../settings/instance.ts';
import { loadSettings } from '../../settings/load.ts';
import { secretVariables } from '../../settings/schema.ts';
import { accounts, ownerOf, shellOf, tearDownShell } from '../helpers/account.ts';
import { containerIds, docker, eventually, gatewayctl, inStackShell, type Shell } from '../helpers/engine.ts';
import { killTree, startGatewayctl } from '../helpers/killed.ts';
import { filesBelow, processesWith, secretsIn, watchArguments } from '../helpers/leaks.ts';
import { trustLoopback } from '../helpers/loopback-trust.ts';
import { modesOf, modeTable } from '../helpers/modes.ts';
import { completeTask, envValue, fetchResult, workerOf } from '../helpers/worker.ts';

const project = 'taxlien-gateway-dev';
const services = ['gateway', 'db', 'redis', 'prometheus', 'grafana'];

type Place = 'before' | 'after';
/** Where a rotation is killed, and which value the `.env` and the service then have. */
const kills: Readonly<Record<string, readonly [step: string, env: Place, stored: Place]>> = {
  'journal and store': ['after renameSync rotation.json', 'before', 'before'],
  'store and .env': ['before renameSync .env', 'before', 'after'],
  '.env and deploy': ['after renameSync .env', 'after', 'after'],
  'deploy and end': ['before rmSync rotation.json', 'after', 'after'],
};

/** The secrets that a service stores itself. */
const stores = ['GRAFANA_ADMIN_PASSWORD', 'POSTGRES_PASSWORD'];

/** The services that use each secret. */
const users: Readonly<Record<string, readonly string[]>> = {
  WORKER_TOKEN: ['gateway'],
  REDIS_PASSWORD: ['gateway', 'redis'],
  GRAFANA_ADMIN_PASSWORD: ['grafana'],
  POSTGRES_PASSWORD: ['gateway', 'db'],
};

test('every secret of the schema is rotated here', () => {
  expect(Object.keys(users).sort()).toEqual([...secretVariables].sort());
});

describe.each(accounts)('rotate, as %s', (account) => {
  let shell: Shell;
  let taskId: string;

  beforeAll(async () => {
    shell = await shellOf(account, 'rotate', '000');
    await gatewayctl(shell, ['up', 'dev']);
    // As in an adopted database: then only a login over the network shows which password it has.
    if (account === 'root') await trustLoopback(shell.root, 'dev');
    taskId = await completeTask(workerOf(shell.root, 'dev'), new TextEncoder().encode('kept'));
  });

  afterAll(async () => {
    await tearDownShell(shell, 'dev');
  });

  const instance = () => instanceOf('dev', shell.root);
  const secretsNow = () => Object.fromEntries(secretVariables.map((key) => [key, envValue(shell.root, 'dev', key)]));
  const isKept = async () =>
    new TextDecoder().decode(await fetchResult(workerOf(shell.root, 'dev'), taskId)) === 'kept';
  const grafanaTakes = async (password: string) => {
    const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
    return (await fetch('http://127.0.10.1:3000/api/datasources', { headers: { authorization } })).status === 200;
  };
  const databaseTakes = async (password: string) => {
    const settings = loadSettings(instance(), shell.checkout.dir);
    return (await psql(settings, new DockerClient(await resolveDockerHost()), password, 'select 1;')).exitCode === 0;
  };
  /** Whether the service that stores the secret accepts the value; `undefined` if no service stores it. */
  const isStored = (variable: string, value: string) =>
    variable === 'POSTGRES_PASSWORD'
      ? databaseTakes(value)
      : variable === 'GRAFANA_ADMIN_PASSWORD'
        ? grafanaTakes(value)
        : undefined;

  const rotateKilled = async (variable: string, step: string) => {
    const killed = startGatewayctl(
      {
        ...shell,
        env: {
          ...(shell.env ?? process.env),
          NODE_OPTIONS: `--import=${join(shell.checkout.dir, 'tests/helpers/kill-at.ts')}`,
          KILL_AT: step,
        },
      },
      ['rotate', 'dev', variable],
    );
    await killed.ended;
    expect(killed.child.signalCode, killed.output()).toBe('SIGKILL');
  };

  // The account makes the same difference for each secret: one is enough.
  const rotated = Object.entries(users).filter(([variable]) => account === 'root' || variable === 'POSTGRES_PASSWORD');
  test.each(rotated)(
    '%s: survives a kill between any two steps; its users alone are replaced',
    async (variable, replaced) => {
      const [before, text, ids] = [secretsNow(), readFileSync(instance().envFile, 'utf8'), await containerIds(project)];
      const old = before[variable] ?? '';
      const stop = watchArguments();
      let begun: string | undefined;
      for (const [between, [step, env, stored]] of Object.entries(kills)) {
        // If no service stores it, there is nothing between these two.
        if (between === 'store and .env' && !stores.includes(variable)) continue;
        await rotateKilled(variable, step);
        const journal = readRotation(instance());
        begun ??= journal?.after;
        expect(journal, between).toEqual({ variable, before: old, after: begun });
        const values = { before: old, after: begun ?? '' };
        expect(envValue(shell.root, 'dev', variable), between).toBe(values[env]);
        for (const place of ['before', 'after'] as const) {
          const isThere = await isStored(variable, values[place]);
          if (isThere !== undefined) expect([between, place, isThere]).toEqual([between, place, place === stored]);
        }
      }
      const other = await gatewayctl(
        shell,
        ['rotate', 'dev', variable === 'WORKER_TOKEN' ? 'REDIS_PASSWORD' : 'WORKER_TOKEN'],
        'any',
      );
      expect([other.exitCode, other.stderr]).toEqual([1, expect.stringContaining(`${variable} first`)]);
      const { stdout, stderr } = await gatewayctl(shell, ['rotate', 'dev', variable]);
      const argumentLists = [...stop()].join('\n');
      const after = secretsNow();
      expect(after).toEqual({ ...before, [variable]: begun });
      expect(readFileSync(instance().envFile, 'utf8')).toBe(text.replace(old, begun ?? ''));
      const newIds = await containerIds(project);
      expect(services.filter((service) => newIds[service] !== ids[service])).toEqual(replaced);
      expect(await isKept()).toBe(true);
      expect([
        await grafanaTakes(after.GRAFANA_ADMIN_PASSWORD ?? ''),
        await databaseTakes(after.POSTGRES_PASSWORD ?? ''),
      ]).toEqual([true, true]);
      expect(await isStored(variable, old)).not.toBe(true);
      expect(readRotation(instance())).toBeUndefined();
      const state = Object.values(filesBelow(instance().stateDir)).join('\n');
      const logs = (await docker('logs', `${project}-db`)) + (await docker('logs', `${project}-grafana`));
      const printed = stdout + stderr + argumentLists + state + logs;
      expect([secretsIn(printed, after), secretsIn(printed, before)]).toEqual([[], []]);
      // Drafts that the kills left are gone as well.
      expect(modesOf(instance().dir)).toEqual(modeTable(ownerOf(account)));
      expect(processesWith(`TAXLIEN_GATEWAY_ROOT=${shell.root}`)).toEqual([]);
    },
    1_200_000,
  );

  test('after a kill plain pulumi up refuses; after another one, while containers are replaced, up finishes the rotation', async () => {
    const before = envValue(shell.root, 'dev', 'POSTGRES_PASSWORD');
    await rotateKilled('POSTGRES_PASSWORD', 'before renameSync .env');
    const after = readRotation(instance())?.after ?? '';
    const ids = await containerIds(project);
    const plain = await inStackShell(shell, 'dev', ['pulumi', 'up', '--yes', '--skip-preview']);
    expect(plain.exitCode).not.toBe(0);
    expect(plain.stdout + plain.stderr).toContain('E_ROTATION_OPEN');
    expect(await containerIds(project)).toEqual(ids);
    const started = startGatewayctl(shell, ['up', 'dev']);
    await eventually(
      'the database is replaced',
      120_000,
      async () => (await containerIds(project)).db !== ids.db || undefined,
    );
    killTree(started.child.pid ?? 0);
    await started.ended;
    expect([envValue(shell.root, 'dev', 'POSTGRES_PASSWORD'), readRotation(instance())]).toEqual([
      after,
      { variable: 'POSTGRES_PASSWORD', before, after },
    ]);
    await gatewayctl(shell, ['up', 'dev']);
    expect([await databaseTakes(after), await databaseTakes(before), await isKept()]).toEqual([true, false, true]);
    expect(readRotation(instance())).toBeUndefined();
  });

  // Then no running database shows which of the two values it has.
  const gone = [
    ['its container is removed', 'rotate', () => docker('rm', '--force', `${project}-db`)],
    ['all is destroyed', 'up', () => gatewayctl(shell, ['destroy', 'dev', '--yes'])],
  ] as const;
  test.each(account === 'root' ? gone : [])(
    'killed when only the database has the new value, then %s: %s finishes without manual work',
    async (_, verb, remove) => {
      const before = envValue(shell.root, 'dev', 'POSTGRES_PASSWORD');
      await rotateKilled('POSTGRES_PASSWORD', 'before renameSync .env');
      const after = readRotation(instance())?.after ?? '';
      await remove();
      const next = verb === 'up' ? ['up', 'dev'] : ['rotate', 'dev', 'POSTGRES_PASSWORD'];
      const { stdout, stderr } = await gatewayctl(shell, next);
      expect(stdout + stderr).toContain(`${project}-db: is not running; starting it first`);
      expect(envValue(shell.root, 'dev', 'POSTGRES_PASSWORD')).toBe(after);
      expect([await databaseTakes(after), await databaseTakes(before), await isKept()]).toEqual([true, false, true]);
      expect(readRotation(instance())).toBeUndefined();
      expect(secretsIn(stdout + stderr, { before, after })).toEqual([]);
    },
  );

  test('refuses a variable that is no secret', async () => {
    const { exitCode, stderr } = await gatewayctl(shell, ['rotate', 'dev', 'BIND_IP'], 'any');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('Name one of POSTGRES_PASSWORD, REDIS_PASSWORD')]);
  });
});
