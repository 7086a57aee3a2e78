import { rmSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { UserError } from '../../../host/errors.ts';
import { loadSettings, type Settings, type SettingsError } from '../../../settings/load.ts';
import { noOverride } from '../../../settings/override-fields.ts';
import { services } from '../../../settings/services.ts';
import { envText, testInstance, testSecrets, testSettings } from '../../helpers/instance.ts';
import { problemsOf } from '../../helpers/problems.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

test('defaults', () => {
  const root = temporaryDir();
  const checkoutDir = temporaryDir();
  const settings = loadSettings(testInstance({ env: 'stage', root }), checkoutDir);
  const { instance, ...rest } = settings;
  expect(instance.dir).toBe(`${root}/stage`);
  expect(rest).toEqual({
    env: 'stage',
    checkoutDir,
    project: 'taxlien-gateway-stage',
    bindIp: '127.0.10.1',
    ports: { gateway: 8081, db: 5432, redis: 6379, prometheus: 9090, grafana: 3000 },
    isPublished: { gateway: true, db: true, redis: true, prometheus: true, grafana: true },
    memoryMiB: { gateway: 256, db: 512, redis: 256, prometheus: 512, grafana: 512 },
    dataDir: `${root}/stage/data`,
    db: { user: 'gateway', name: 'gateway' },
    gateway: { logLevel: 'info', rateLimitPerMinute: 600, leaseSeconds: 60, areMetricsPublic: false, goProxy: '' },
    prometheusRetentionDays: 15,
    grafanaAdminUser: 'admin',
    isDirtyAllowed: false,
    overrides: Object.fromEntries(services.map((service) => [service, noOverride])),
    secrets: testSecrets,
  });
});

describe('good values', () => {
  test.each<readonly [string, string, (settings: Settings) => unknown, unknown]>([
    ['BIND_IP', '10.0.0.4', ({ bindIp }) => bindIp, '10.0.0.4'],
    ['BIND_IP', '223.255.255.255', ({ bindIp }) => bindIp, '223.255.255.255'],
    ['BIND_IP', '::1', ({ bindIp }) => bindIp, '::1'],
    ['BIND_IP', '2001:DB8:0:0:0:0:0:1', ({ bindIp }) => bindIp, '2001:db8::1'],
    ['BIND_IP', 'ff::1', ({ bindIp }) => bindIp, 'ff::1'],
    ['COMPOSE_PROJECT_NAME', 'a', ({ project }) => project, 'a'],
    ['COMPOSE_PROJECT_NAME', `0${'-_z'.repeat(13)}`, ({ project }) => project, `0${'-_z'.repeat(13)}`],
    ['GATEWAY_PORT', '1', ({ ports }) => ports.gateway, 1],
    ['DB_PORT', '65535', ({ ports }) => ports.db, 65535],
    ['DB_PUBLISH', 'false', ({ isPublished }) => isPublished.db, false],
    ['REDIS_PUBLISH', 'false', ({ isPublished }) => isPublished.redis, false],
    ['METRICS_PUBLIC', 'true', ({ gateway }) => gateway.areMetricsPublic, true],
    ['REDIS_PORT', '6380', ({ ports }) => ports.redis, 6380],
    ['PROMETHEUS_PORT', '9091', ({ ports }) => ports.prometheus, 9091],
    ['GRAFANA_PORT', '3001', ({ ports }) => ports.grafana, 3001],
    ['DATA_DIR', '/srv/Gateway data', ({ dataDir }) => dataDir, '/srv/Gateway data'],
    ['POSTGRES_USER', '_u1', ({ db }) => db.user, '_u1'],
    ['POSTGRES_DB', 'd'.repeat(63), ({ db }) => db.name, 'd'.repeat(63)],
    ['GRAFANA_ADMIN_USER', 'Ada.L@example', ({ grafanaAdminUser }) => grafanaAdminUser, 'Ada.L@example'],
    ['PROMETHEUS_RETENTION_DAYS', '3650', (settings) => settings.prometheusRetentionDays, 3650],
    ['LOG_LEVEL', 'error', ({ gateway }) => gateway.logLevel, 'error'],
    ['RATE_LIMIT_PER_MINUTE', '1000000', ({ gateway }) => gateway.rateLimitPerMinute, 1_000_000],
    ['LEASE_SECONDS', '86400', ({ gateway }) => gateway.leaseSeconds, 86_400],
    ['GO_PROXY', 'file:///srv/proxy,off', ({ gateway }) => gateway.goProxy, 'file:///srv/proxy,off'],
    ['GO_PROXY', '', ({ gateway }) => gateway.goProxy, ''],
    ['ALLOW_DIRTY', 'true', ({ isDirtyAllowed }) => isDirtyAllowed, true],
    ['ALLOW_DIRTY', 'false', ({ isDirtyAllowed }) => isDirtyAllowed, false],
    ['GATEWAY_MEMORY_MIB', '64', ({ memoryMiB }) => memoryMiB.gateway, 64],
    ['DB_MEMORY_MIB', '1048576', ({ memoryMiB }) => memoryMiB.db, 1_048_576],
    ['REDIS_MEMORY_MIB', '100', ({ memoryMiB }) => memoryMiB.redis, 100],
    ['PROMETHEUS_MEMORY_MIB', '100', ({ memoryMiB }) => memoryMiB.prometheus, 100],
    ['GRAFANA_MEMORY_MIB', '100', ({ memoryMiB }) => memoryMiB.grafana, 100],
    ['POSTGRES_PASSWORD', "'!$(x)#\"16characters'", ({ secrets }) => secrets.POSTGRES_PASSWORD, '!$(x)#"16characters'],
    ['REDIS_PASSWORD', 'r'.repeat(200), ({ secrets }) => secrets.REDIS_PASSWORD, 'r'.repeat(200)],
    ['WORKER_TOKEN', 'w'.repeat(16), ({ secrets }) => secrets.WORKER_TOKEN, 'w'.repeat(16)],
    ['GRAFANA_ADMIN_PASSWORD', 'g'.repeat(16), ({ secrets }) => secrets.GRAFANA_ADMIN_PASSWORD, 'g'.repeat(16)],
  ])('%s=%s', (variable, value, read, wanted) => {
    expect(read(testSettings({ env: 'prod', variables: { [variable]: value } }))).toEqual(wanted);
  });
});

test('the error has all messages, the first code and no fix of its own', () => {
  const error = catchError(() => testSettings({ variables: { BIND_IP: '::', DB_PORT: '0' } }));
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({ name: 'SettingsError', code: 'E_BIND_IP', fix: '' });
  expect((error as SettingsError).message.split('\n')).toHaveLength(2);
});

describe('precedence', () => {
  const stackFile =
    'config:\n  taxlien-gateway:LOG_LEVEL: debug\n  taxlien-gateway:DB_PORT: 5433\n  taxlien-gateway:ALLOW_DIRTY: true\n';
  const load = (text: string) => {
    const checkoutDir = temporaryDir();
    writeFiles(checkoutDir, { 'Pulumi.prod.yaml': stackFile });
    return loadSettings(testInstance({ env: 'prod', text }), checkoutDir);
  };

  test('the stack file overrides the defaults; numbers and booleans are read as text', () => {
    const { gateway, ports, isDirtyAllowed } = load(envText());
    expect([gateway.logLevel, ports.db, ports.redis, isDirtyAllowed]).toEqual(['debug', 5433, 6379, true]);
  });

  test('the .env overrides the stack file', () => {
    const { gateway, ports } = load(envText({ LOG_LEVEL: 'warn', DB_PORT: '5434' }));
    expect([gateway.logLevel, ports.db]).toEqual(['warn', 5434]);
  });

  test('a bad value in the stack file that the .env replaces is no problem, and an empty one in the .env is', () => {
    expect(problemsOf(envText({ DB_PORT: '5434' }), 'config:\n  taxlien-gateway:DB_PORT: 0\n')).toEqual([]);
    expect(problemsOf(envText({ LOG_LEVEL: '' }), stackFile)).toMatchInlineSnapshot(`
      [
        "E_SETTING  dev/.env:6 LOG_LEVEL: must be debug, info, warn or error (got ""). Set it in <root>/dev/.env, e.g. LOG_LEVEL=info.",
      ]
    `);
  });

  test("the process's own environment is ignored", () => {
    vi.stubEnv('DB_PORT', '1');
    expect(testSettings().ports.db).toBe(5432);
  });
});

describe('the stack file', () => {
  test.each(['', 'config: {}\n', 'encryptionsalt: v1:abc\n', 'config:\n'])('%j sets nothing', (text) => {
    expect(problemsOf(envText(), text)).toEqual([]);
  });

  test('refused', () => {
    const files = [
      'config: [1]\n',
      'config: text\n',
      'config:\n  LOG_LEVEL: debug\n',
      'config:\n  other:LOG_LEVEL: debug\n',
      'config:\n  taxlien-gateway:LOG_LEVEL:\n    secure: abc\n',
      'config:\n  taxlien-gateway:LOG_LEVLE: debug\n',
      'config:\n  taxlien-gateway:LOG_LEVEL: loud\n',
      'config:\n  taxlien-gateway:WORKER_TOKEN: hunter2-hunter2-hunter2\n',
      'config:\n  taxlien-gateway:DB_PORT: 1\n  taxlien-gateway:DB_PORT: 2\n',
      'config: {\n',
      'config: *nobody\n',
    ];
    const shown = files.map((text) => problemsOf(envText(), text).join(' | '));
    expect(shown.join('\n')).not.toContain('hunter2');
    expect(shown.join('\n')).toMatchInlineSnapshot(`
      "E_STACK_FILE  Pulumi.dev.yaml config: must be a map. Write it as "config: {}".
      E_STACK_FILE  Pulumi.dev.yaml config: must be a map. Write it as "config: {}".
      E_STACK_FILE  Pulumi.dev.yaml config.LOG_LEVEL: must be "taxlien-gateway:<VARIABLE>: <text, number or true/false>". Correct it.
      E_STACK_FILE  Pulumi.dev.yaml config.other:LOG_LEVEL: must be "taxlien-gateway:<VARIABLE>: <text, number or true/false>". Correct it.
      E_STACK_FILE  Pulumi.dev.yaml config.taxlien-gateway:LOG_LEVEL: must be "taxlien-gateway:<VARIABLE>: <text, number or true/false>". Correct it.
      E_UNKNOWN_KEY  Pulumi.dev.yaml config.taxlien-gateway:LOG_LEVLE: is not a variable of this project. Did you mean LOG_LEVEL?
      E_SETTING  Pulumi.dev.yaml config.taxlien-gateway:LOG_LEVEL: must be debug, info, warn or error (got loud). Set it in <root>/dev/.env, e.g. LOG_LEVEL=info.
      E_SECRET  Pulumi.dev.yaml config.taxlien-gateway:WORKER_TOKEN: a secret must not be in git. Move it to the .env.
      E_STACK_FILE  Pulumi.dev.yaml:3: must be YAML (got Map keys must be unique). Correct it.
      E_STACK_FILE  Pulumi.dev.yaml:2: must be YAML (got Flow map in block collection must be sufficiently indented and end with a }). Correct it.
      E_STACK_FILE  Pulumi.dev.yaml: must be YAML (got Unresolved alias (the anchor must be set before the alias): nobody). Correct it."
    `);
  });
});

describe('the result', () => {
  test('is frozen to its leaves', () => {
    const isFrozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen));
    expect(isFrozen(testSettings())).toBe(true);
  });

  test('allows a dirty checkout in dev alone', () => {
    const allowed = (['dev', 'stage', 'prod'] as const).map((env) => testSettings({ env }).isDirtyAllowed);
    expect(allowed).toEqual([true, false, false]);
  });
});

describe('without a readable .env', () => {
  test('there is no instance', () => {
    const instance = testInstance({ root: temporaryDir() });
    rmSync(instance.envFile);
    const error = catchError(() => loadSettings(instance, temporaryDir())) as UserError;
    expect([error.code, error.message.replace(instance.dir, '<instance>'), error.fix]).toMatchInlineSnapshot(`
      [
        "E_NO_INSTANCE",
        "<instance>/.env: there is no instance here",
        "Run ./gatewayctl init dev --bind-ip <address of this host>.",
      ]
    `);
  });

  test('the reason is in the message', () => {
    const instance = testInstance({ root: temporaryDir() });
    rmSync(instance.envFile);
    writeFiles(instance.envFile, { 'a-directory': '' });
    const error = catchError(() => loadSettings(instance, temporaryDir())) as UserError;
    expect(
      [error.code, error.message, error.fix].map((text) => text.replace(instance.dir, '<instance>')),
    ).toMatchInlineSnapshot(`
      [
        "E_UNREADABLE",
        "<instance>/.env: cannot be read (EISDIR: illegal operation on a directory, read)",
        "Run ls -l <instance>/.env.",
      ]
    `);
    expect(error.cause).toBeInstanceOf(Error);
  });
});

function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
