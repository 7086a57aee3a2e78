import { gatewayDockerfile } from '../../docker/images/pins.ts';
import type { Settings } from '../../settings/load.ts';
import { userOf } from '../../settings/services.ts';
import type { ServiceSpec } from './spec.ts';

export const rawDir = '/data/raw';

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
  };
}

/** How the gateway's image is built; the checkout is the context. */
export const gatewayBuild = ({ gateway, project }: Settings) => ({
  dockerfile: gatewayDockerfile,
  // PROJECT: the label by which a deploy finds the images that earlier ones built.
  buildArgs: { ...(gateway.goProxy === '' ? {} : { GOPROXY: gateway.goProxy }), PROJECT: project },
});

export function gatewayEnvironment(settings: Settings): Readonly<Record<string, string>> {
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
