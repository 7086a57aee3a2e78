import type { Settings } from '../../settings/load.ts';
import { userOf } from '../../settings/services.ts';
import type { ServiceSpec } from './spec.ts';

/** Prometheus, scraping the gateway and itself. */
export function prometheus(settings: Settings): ServiceSpec {
  return {
    service: 'prometheus',
    user: userOf('prometheus'),
    containerPort: 9090,
    command: [
      '--config.file=/etc/prometheus/prometheus.yml',
      '--storage.tsdb.path=/prometheus',
      `--storage.tsdb.retention.time=${settings.prometheusRetentionDays}d`,
    ],
    volumes: [{ volume: 'prometheus', mountedAt: '/prometheus' }],
    configFiles: [{ source: 'monitoring/prometheus', mountedAt: '/etc/prometheus' }],
    healthTest: ['CMD', 'wget', '-q', '-O', '/dev/null', 'http://127.0.0.1:9090/-/ready'],
    startPeriodSeconds: 60,
    graceSeconds: 30,
  };
}
