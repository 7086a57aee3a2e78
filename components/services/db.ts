import type { Settings } from '../../settings/load.ts';
import { userOf } from '../../settings/services.ts';
import type { ServiceSpec } from './spec.ts';

/** PostgreSQL. */
export function db(settings: Settings): ServiceSpec {
  return {
    service: 'db',
    user: userOf('db'),
    containerPort: 5432,
    environment: {
      POSTGRES_USER: settings.db.user,
      POSTGRES_DB: settings.db.name,
      POSTGRES_PASSWORD_FILE: '/run/secrets/postgres_password',
      POSTGRES_INITDB_ARGS: '--data-checksums --auth-host=scram-sha-256 --auth-local=scram-sha-256',
    },
    volumes: [{ volume: 'postgres', mountedAt: '/var/lib/postgresql/data' }],
    tmpfs: { '/run/postgresql': 'uid=70,gid=70,mode=0750', '/tmp': 'mode=1777' },
    // Over TCP: while the first start initializes the database, the server listens on its socket only.
    healthTest: ['CMD', 'pg_isready', '-q', '-h', '127.0.0.1', '-U', settings.db.user, '-d', settings.db.name],
    startPeriodSeconds: 120,
    graceSeconds: 120,
  };
}
