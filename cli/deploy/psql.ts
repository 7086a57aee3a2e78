import type { DockerClient } from '../../docker/client.ts';
import { containerName } from '../../docker/names.ts';
import type { RunResult } from '../../host/process.ts';
import type { Settings } from '../../settings/load.ts';

/**
 * Runs SQL in the database's container, over TCP with the role and the host name that the gateway uses.
 * @returns psql's own exit code and output: 2 if it could not log in
 */
export function psql(settings: Settings, docker: DockerClient, password: string, sql: string): Promise<RunResult> {
  return docker.call(
    [
      ...['exec', '--interactive', containerName(settings, 'db')],
      // The first line of standard input is the password: neither an argument nor a setting of the container.
      ...['sh', '-c', 'IFS= read -r PGPASSWORD && export PGPASSWORD && exec "$@"', 'sh'],
      ...['psql', '--no-psqlrc', '--quiet', '--no-password', '--set', 'ON_ERROR_STOP=1'],
      // Not over loopback: there the official image accepts any password.
      ...['--host', 'db', '--username', settings.db.user, '--dbname', settings.db.name],
    ],
    { stdin: `${password}\n${sql}`, allowedExitCodes: 'any' },
  );
}
