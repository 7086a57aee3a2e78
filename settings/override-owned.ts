import type { ServiceName } from './services.ts';

interface Owned {
  readonly environment: readonly string[];
  /** Paths in the container that this project mounts at. */
  readonly mounts: readonly string[];
}

const everywhere = ['/run/secrets', '/proc', '/sys', '/dev'];

/** What this project sets in each container; the override file may add to it, not change it. */
export const ownedByUs: Readonly<Record<ServiceName, Owned>> = {
  gateway: {
    environment: [
      ...['DEPLOY_ENV', 'RAW_DIR', 'LOG_LEVEL', 'RATE_LIMIT_PER_MINUTE', 'LEASE_SECONDS', 'METRICS_PUBLIC'],
      ...['DB_HOST', 'DB_PORT', 'DB_NAME', 'DB_USER', 'DB_PASSWORD_FILE'],
      ...['REDIS_ADDR', 'REDIS_PASSWORD_FILE', 'WORKER_TOKEN_FILE'],
    ],
    mounts: [...everywhere, '/data/raw'],
  },
  db: {
    environment: [
      // Not set by this project, but data outside its volume would be lost.
      'PGDATA',
      ...['POSTGRES_USER', 'POSTGRES_DB', 'POSTGRES_PASSWORD_FILE', 'POSTGRES_INITDB_ARGS'],
    ],
    mounts: [...everywhere, '/var/lib/postgresql/data', '/run/postgresql', '/tmp'],
  },
  redis: { environment: [], mounts: [...everywhere, '/data'] },
  prometheus: { environment: [], mounts: [...everywhere, '/prometheus', '/etc/prometheus'] },
  grafana: {
    environment: [
      ...['GF_SECURITY_ADMIN_USER', 'GF_SECURITY_ADMIN_PASSWORD__FILE', 'GF_USERS_ALLOW_SIGN_UP', 'GF_LOG_MODE'],
      ...['GF_ANALYTICS_REPORTING_ENABLED', 'GF_ANALYTICS_CHECK_FOR_UPDATES', 'GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES'],
      ...['GF_PLUGINS_PREINSTALL_DISABLED', 'GF_PLUGINS_PREINSTALL_AUTO_UPDATE'],
      'GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED',
    ],
    mounts: [...everywhere, '/var/lib/grafana', '/etc/grafana/provisioning', '/etc/grafana/dashboards', '/tmp'],
  },
};
