import type { Settings } from '../../settings/load.ts';
import { userOf } from '../../settings/services.ts';
import type { ServiceSpec } from './spec.ts';

/** Grafana, with its data source and dashboards provisioned. */
export function grafana(settings: Settings): ServiceSpec {
  return {
    service: 'grafana',
    user: userOf('grafana'),
    containerPort: 3000,
    environment: {
      GF_SECURITY_ADMIN_USER: settings.grafanaAdminUser,
      GF_SECURITY_ADMIN_PASSWORD__FILE: '/run/secrets/admin_password',
      GF_USERS_ALLOW_SIGN_UP: 'false',
      GF_ANALYTICS_REPORTING_ENABLED: 'false',
      GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
      GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
      GF_LOG_MODE: 'console',
      // Otherwise each start downloads plugins; since 13.2, a failed update of the bundled Prometheus plugin (read-only
      // root) unloads it.
      GF_PLUGINS_PREINSTALL_DISABLED: 'true',
      GF_PLUGINS_PREINSTALL_AUTO_UPDATE: 'false',
      GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED: 'true',
    },
    volumes: [{ volume: 'grafana', mountedAt: '/var/lib/grafana' }],
    configFiles: [
      { source: 'monitoring/grafana/provisioning', mountedAt: '/etc/grafana/provisioning' },
      { source: 'monitoring/grafana/dashboards', mountedAt: '/etc/grafana/dashboards' },
    ],
    tmpfs: { '/tmp': 'mode=1777' },
    healthTest: ['CMD', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1:3000/api/health'],
    startPeriodSeconds: 120,
    graceSeconds: 30,
  };
}
