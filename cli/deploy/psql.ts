import type { DockerClient } from '../../docker/client.ts';
import { containerName } from '../../docker/names.ts';
import type { RunResult } from '../../host/process.ts';
import type { Settings } from '../../settings/load.ts';

/**
 * Runs SQL in the container of the database, logged in over TCP as the role that the gateway uses, and as the gateway
 * does: by the name of the service.
 * @returns psql's own exit code and output: 2 where it could not log in
 */
export function psql(settings: Settings, docker: DockerClient, password: string, sql: string): Promise<RunResult> {
  return docker.call(
    [
      ...['exec', '--interactive', containerName(settings, 'db')],
      // The first line of standard input is the password: neither an argument nor a setting of the container.
      ...['sh', '-c', 'IFS= read -r PGPASSWORD && export PGPASSWORD && exec "$@"', 'sh'],
      ...['psql', '--no-psqlrc', '--quiet', '--no-password', '--set', 'ON_ERROR_STOP=1'],
      // Not by loopback: the official image trusts that, so that any password would do.
      ...['--host', 'db', '--username', settings.db.user, '--dbname', settings.db.name],
    ],
    { stdin: `${password}\n${sql}`, allowedExitCodes: 'any' },
  );
}
