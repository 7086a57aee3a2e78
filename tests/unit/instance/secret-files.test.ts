import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  secretFilesOf,
  secretGenerations,
  secretServices,
  secretsPath,
  writeApplied,
} from '../../../instance/secret-files.ts';
import type { Instance } from '../../../settings/instance.ts';
import type { Secrets } from '../../../settings/load.ts';
import { testInstance, testSecrets } from '../../helpers/instance.ts';
import { writeSecretFiles } from '../../helpers/secret-files.ts';

test('each service gets only the secrets that it uses', () => {
  expect(secretFilesOf(testSecrets)).toEqual({
    gateway: {
      db_password: testSecrets.POSTGRES_PASSWORD,
      redis_password: testSecrets.REDIS_PASSWORD,
      worker_token: testSecrets.WORKER_TOKEN,
    },
    db: { postgres_password: testSecrets.POSTGRES_PASSWORD },
    redis: {
      'redis.conf': `requirepass "${testSecrets.REDIS_PASSWORD}"\n`,
      redis_password: testSecrets.REDIS_PASSWORD,
    },
    grafana: { admin_password: testSecrets.GRAFANA_ADMIN_PASSWORD },
  });
});

test('quotes and backslashes in a password do not end the quotes of redis.conf', () => {
  const files = secretFilesOf({ ...testSecrets, REDIS_PASSWORD: 'a"b\\c' });
  expect(files.redis).toEqual({ 'redis.conf': 'requirepass "a\\"b\\\\c"\n', redis_password: 'a"b\\c' });
});

describe('generations', () => {
  /** What the deploy leaves: the directories of the secret files, and the record of them. */
  const applyGenerations = (instance: Instance) => {
    const applied = secretGenerations(instance, testSecrets);
    writeSecretFiles(instance, testSecrets);
    writeApplied(instance, testSecrets, applied);
    return applied;
  };

  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

  test('are new and different until they are applied', () => {
    const instance = testInstance();
    const [first, second] = [secretGenerations(instance, testSecrets), secretGenerations(instance, testSecrets)];
    const all = [...Object.values(first), ...Object.values(second)];
    expect(new Set(all).size).toBe(2 * secretServices.length);
    for (const generation of all) expect(generation).toMatch(uuid);
  });

  test('stay while the values stay', () => {
    const instance = testInstance();
    const applied = applyGenerations(instance);
    expect(secretGenerations(instance, testSecrets)).toEqual(applied);
  });

  test.each<[keyof Secrets, readonly string[]]>([
    ['POSTGRES_PASSWORD', ['gateway', 'db']],
    ['REDIS_PASSWORD', ['gateway', 'redis']],
    ['WORKER_TOKEN', ['gateway']],
    ['GRAFANA_ADMIN_PASSWORD', ['grafana']],
  ])('a new %s renews exactly %j', (name, wanted) => {
    const instance = testInstance();
    const applied = applyGenerations(instance);
    const next = secretGenerations(instance, { ...testSecrets, [name]: 'another-value-0123456789' });
    expect(secretServices.filter((service) => next[service] !== applied[service])).toEqual(wanted);
  });

  test.each<[string, (dir: string) => void]>([
    ['is gone', (dir) => rmSync(dir, { recursive: true })],
    ['was made by Docker in the place of one that was gone', (dir) => chmodSync(dir, 0o755)],
    ['lacks a file', (dir) => rmSync(join(dir, 'redis_password'))],
    ['has a file that was cut off', (dir) => writeFileSync(join(dir, 'redis_password'), 'redis-')],
    [
      'has something else in the place of a file',
      (dir) => {
        rmSync(join(dir, 'redis_password'));
        mkdirSync(join(dir, 'redis_password'));
      },
    ],
  ])('the one of a service is renewed if its directory %s', (_, change) => {
    const instance = testInstance();
    const applied = applyGenerations(instance);
    change(secretsPath(instance, 'gateway'));
    const next = secretGenerations(instance, testSecrets);
    expect(secretServices.filter((service) => next[service] !== applied[service])).toEqual(['gateway']);
  });

  test('the record is readable by its owner alone, and no generation in it is a hash', () => {
    const instance = testInstance();
    const applied = secretGenerations(instance, testSecrets);
    writeApplied(instance, testSecrets, applied);
    const path = join(instance.secretsDir, 'applied.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(instance.secretsDir).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(
      Object.fromEntries(
        secretServices.map((service) => [
          service,
          { generation: applied[service], files: secretFilesOf(testSecrets)[service] },
        ]),
      ),
    );
  });
});
