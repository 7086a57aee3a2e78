import { homedir } from 'node:os';
import { describe, expect, test, vi } from 'vitest';
import type { UserError } from '../../../host/errors.ts';
import {
  currentInstance,
  givenRoot,
  instanceOf,
  instancesRoot,
  parseEnvironment,
  userDirs,
} from '../../../settings/instance.ts';

test('an environment is one of three', () => {
  expect(['dev', 'stage', 'prod'].map(parseEnvironment)).toEqual(['dev', 'stage', 'prod']);
  const errors = [undefined, '', 'Dev', 'production', '../dev'].map((text) => {
    try {
      return parseEnvironment(text);
    } catch (error) {
      const { code, message, fix } = error as UserError;
      return `${code} ${message}. ${fix}`;
    }
  });
  expect(errors.join('\n')).toMatchInlineSnapshot(`
    "E_ENVIRONMENT environment: is not one of this project (got nothing). Name one of dev, stage, prod.
    E_ENVIRONMENT environment: is not one of this project (got nothing). Name one of dev, stage, prod.
    E_ENVIRONMENT environment: is not one of this project (got Dev). Name one of dev, stage, prod.
    E_ENVIRONMENT environment: is not one of this project (got production). Name one of dev, stage, prod.
    E_ENVIRONMENT environment: is not one of this project (got ../dev). Name one of dev, stage, prod."
  `);
});

describe('the root of the instances', () => {
  test.each<[string, NodeJS.ProcessEnv, NodeJS.Platform, string]>([
    ['Linux', {}, 'linux', '/opt/taxlien-gateway'],
    ['macOS', {}, 'darwin', `${homedir()}/taxlien-gateway`],
    ['given', { TAXLIEN_GATEWAY_ROOT: '/srv/gw/' }, 'darwin', '/srv/gw'],
    ['empty', { TAXLIEN_GATEWAY_ROOT: '' }, 'linux', '/opt/taxlien-gateway'],
  ])('%s', (_, env, platform, root) => {
    expect(instancesRoot(env, platform)).toBe(root);
  });

  test('a relative one is refused', () => {
    expect(() => givenRoot({ TAXLIEN_GATEWAY_ROOT: 'srv' })).toThrowErrorMatchingInlineSnapshot(
      `[UserError: TAXLIEN_GATEWAY_ROOT: must be an absolute path (got srv)]`,
    );
  });
});

test('an instance is a directory', () => {
  expect(instanceOf('stage', '/srv/gw')).toEqual({
    env: 'stage',
    dir: '/srv/gw/stage',
    envFile: '/srv/gw/stage/.env',
    overrideFile: '/srv/gw/stage/docker-compose.override.yml',
    stackFile: '/srv/gw/stage/Pulumi.stage.yaml',
    defaultDataDir: '/srv/gw/stage/data',
    ownersDir: '/srv/gw/stage/data/.owners',
    configDir: '/srv/gw/stage/config',
    secretsDir: '/srv/gw/stage/secrets',
    passphraseFile: '/srv/gw/stage/secrets/pulumi-passphrase',
    stateDir: '/srv/gw/stage/state',
    backupsDir: '/srv/gw/stage/backups',
    logsDir: '/srv/gw/stage/logs',
    idFile: '/srv/gw/stage/instance-id',
    hostPathsFile: '/srv/gw/stage/host-paths-id',
    engineFile: '/srv/gw/stage/engine',
    lockFile: '/srv/gw/stage/lock',
    appliedSecretsFile: '/srv/gw/stage/secrets/applied.json',
    rotationFile: '/srv/gw/stage/secrets/rotation.json',
    moveFile: '/srv/gw/stage/move-data.json',
    adoptionFile: '/srv/gw/stage/adoption.json',
    stateBackupsDir: '/srv/gw/stage/backups/state',
    deployRecordFile: '/srv/gw/stage/logs/last-deploy.json',
  });
});

test("the process's own instance", () => {
  vi.stubEnv('TAXLIEN_GATEWAY_ROOT', '/srv/gw');
  expect(currentInstance('prod')).toEqual(instanceOf('prod', '/srv/gw'));
});

describe('directories of the user', () => {
  test.each<[string, NodeJS.ProcessEnv, string, string]>([
    ['standard', {}, `${homedir()}/.cache/taxlien-gateway`, `${homedir()}/.local/state/taxlien-gateway`],
    ['given', { XDG_CACHE_HOME: '/c', XDG_STATE_HOME: '/s' }, '/c/taxlien-gateway', '/s/taxlien-gateway'],
    [
      'relative ones do not count',
      { XDG_CACHE_HOME: 'c', XDG_STATE_HOME: '' },
      `${homedir()}/.cache/taxlien-gateway`,
      `${homedir()}/.local/state/taxlien-gateway`,
    ],
  ])('%s', (_, env, cacheDir, stateDir) => {
    expect(userDirs(env)).toEqual({ cacheDir, stateDir });
  });
});
