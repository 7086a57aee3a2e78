import { chmodSync } from 'node:fs';
import type { Source } from '../../host/git.ts';
import { type Instance, instanceOf } from '../../settings/instance.ts';
import { loadSettings, type Secrets, type Settings } from '../../settings/load.ts';
import type { Environment } from '../../settings/services.ts';
import { temporaryDir, writeFiles } from './temporary.ts';

/** Secrets that no other text contains by chance. */
export const testSecrets: Secrets = {
  POSTGRES_PASSWORD: 'postgres-secret-7f3a91',
  REDIS_PASSWORD: 'redis-secret-b2c84d',
  WORKER_TOKEN: 'worker-secret-e5d06f',
  GRAFANA_ADMIN_PASSWORD: 'grafana-secret-19ab7c',
};

/** The required variables of an `.env`; one of `undefined` is left out. */
export const leastVariables: Readonly<Record<string, string | undefined>> = {
  BIND_IP: '127.0.10.1',
  POSTGRES_PASSWORD: testSecrets.POSTGRES_PASSWORD,
  REDIS_PASSWORD: testSecrets.REDIS_PASSWORD,
  WORKER_TOKEN: testSecrets.WORKER_TOKEN,
  GRAFANA_ADMIN_PASSWORD: testSecrets.GRAFANA_ADMIN_PASSWORD,
};

export const cleanSource: Source = { commit: '0123456789ab', isDirty: false };

export type Variables = Readonly<Record<string, string | undefined>>;

/** Lines of an `.env` with the required variables, with these values instead of the defaults. */
export function envText(variables: Variables = {}): string {
  return Object.entries({ ...leastVariables, ...variables })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

export interface TestInstanceOptions {
  readonly env?: Environment;
  readonly root?: string;
  /** Text of the `.env`; default: the required variables. */
  readonly text?: string;
}

/** An instance in a temporary root with only its `.env`. */
export function testInstance({
  env = 'dev',
  root = temporaryDir(),
  text = envText(),
}: TestInstanceOptions = {}): Instance {
  writeFiles(root, { [`${env}/.env`]: text });
  const instance = instanceOf(env, root);
  chmodSync(instance.envFile, 0o600);
  return instance;
}

export interface TestSettingsOptions {
  readonly env?: Environment;
  readonly root?: string;
  readonly checkoutDir?: string;
  readonly variables?: Variables;
}

/** Settings as the program would load them from an `.env` with these variables. */
export function testSettings({
  env = 'dev',
  root = temporaryDir(),
  checkoutDir = temporaryDir(),
  variables = {},
}: TestSettingsOptions = {}): Settings {
  return loadSettings(testInstance({ env, root, text: envText(variables) }), checkoutDir);
}
