import type { Settings } from '../../settings/load.ts';
import { userOf } from '../../settings/services.ts';
import type { ServiceSpec } from './spec.ts';

/** Redis, with every write in its append-only file. */
export function redis(settings: Settings): ServiceSpec {
  return {
    service: 'redis',
    user: userOf('redis'),
    containerPort: 6379,
    command: [
      ...['redis-server', '/run/secrets/redis.conf', '--dir', '/data', '--appendonly', 'yes'],
      // Below the container's limit, so that Redis refuses a write before the kernel kills it.
      ...['--maxmemory', `${Math.floor(settings.memoryMiB.redis * 0.75)}mb`, '--maxmemory-policy', 'noeviction'],
    ],
    volumes: [{ volume: 'redis', mountedAt: '/data' }],
    healthTest: ['CMD-SHELL', 'REDISCLI_AUTH="$(cat /run/secrets/redis_password)" redis-cli ping | grep -qx PONG'],
    startPeriodSeconds: 30,
    graceSeconds: 30,
  };
}
