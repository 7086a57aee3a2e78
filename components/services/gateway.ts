import { dataPath } from '../../docker/data-volume.ts';
import { containerName, environmentLabel, networkName } from '../../docker/names.ts';
import { secretsPath } from '../../instance/secret-files.ts';
import type { Settings } from '../../settings/load.ts';
import { userOf } from '../../settings/owners.ts';
import type { ServiceSpec } from '../service.ts';

const rawDir = '/data/raw';

/** The Worker API. */
export function gateway(settings: Settings): ServiceSpec {
  return {
    service: 'gateway',
    user: userOf('gateway'),
    containerPort: 8081,
    environment: gatewayEnvironment(settings),
    volumes: [{ volume: 'raw', mountedAt: rawDir }],
    healthTest: ['CMD', '/gateway', 'health'],
    startPeriodSeconds: 30,
    graceSeconds: 30,
    hasSecrets: true,
  };
}

/** How the gateway's image is built; the checkout is the context. */
export const gatewayBuild = (settings: Settings) => ({
  dockerfile: 'Dockerfile.gateway',
  buildArgs: settings.gateway.goProxy === '' ? {} : { GOPROXY: settings.gateway.goProxy },
});

function gatewayEnvironment(settings: Settings): Readonly<Record<string, string>> {
  const { gateway } = settings;
  return {
    DEPLOY_ENV: settings.env,
    DB_HOST: 'db',
    DB_PORT: '5432',
    DB_NAME: settings.db.name,
    DB_USER: settings.db.user,
    DB_PASSWORD_FILE: '/run/secrets/db_password',
    REDIS_ADDR: 'redis:6379',
    REDIS_PASSWORD_FILE: '/run/secrets/redis_password',
    WORKER_TOKEN_FILE: '/run/secrets/worker_token',
    RAW_DIR: rawDir,
    LOG_LEVEL: gateway.logLevel,
    RATE_LIMIT_PER_MINUTE: `${gateway.rateLimitPerMinute}`,
    LEASE_SECONDS: `${gateway.leaseSeconds}`,
    METRICS_PUBLIC: `${gateway.areMetricsPublic}`,
  };
}

/** Steps of the gateway that run once, before its container is swapped. */
export const gatewaySteps = ['selfcheck', 'migrate'] as const;
export type GatewayStep = (typeof gatewaySteps)[number];

export const stepContainerName = (settings: Settings, step: GatewayStep) =>
  `${containerName(settings, 'gateway')}-${step}`;

/** One run of a new gateway image with the settings, network, secrets and data of the real one, and no port. */
export function gatewayStepCommand(
  settings: Settings,
  step: GatewayStep,
  imageId: string,
  isBreakingAllowed = false,
): readonly string[] {
  const bind = (source: string, target: string, ...more: string[]) => [
    '--mount',
    [`type=bind,source=${source},target=${target}`, ...more].join(','),
  ];
  return [
    ...['docker', 'run', '--rm', '--name', stepContainerName(settings, step)],
    ...['--label', `${environmentLabel}=${settings.env}`, '--label', `taxlien-gateway.step=${step}`],
    ...['--network', networkName(settings), '--read-only', '--no-healthcheck'],
    ...['--security-opt', 'no-new-privileges', '--cap-drop', 'ALL', '--user', userOf('gateway')],
    ...['--memory', `${settings.memoryMiB.gateway}m`, '--memory-swap', `${settings.memoryMiB.gateway}m`],
    ...Object.entries(gatewayEnvironment(settings)).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...(isBreakingAllowed ? ['--env', 'ALLOW_BREAKING_MIGRATION=true'] : []),
    ...bind(secretsPath(settings.instance, 'gateway'), '/run/secrets', 'readonly'),
    ...bind(dataPath(settings, 'raw'), rawDir),
    ...[imageId, step],
  ];
}
