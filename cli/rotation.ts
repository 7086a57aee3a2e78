import { hostInUrl } from '../settings/address.ts';
import { setEnvValue } from '../settings/env-edit.ts';
import { UserError } from '../settings/errors.ts';
import { loadSettings, type Settings } from '../settings/load.ts';
import { containerName } from '../settings/names.ts';
import { type Rotation, secretValue } from '../settings/rotation.ts';
import { scramVerifier } from '../settings/scram.ts';
import { note } from './output.ts';
import { psql } from './psql.ts';
import type { Stack } from './stack.ts';

/** Gives a secret its new value where it is stored, then in the `.env`; a deploy then ends the rotation. Safe to repeat. */
export async function changeSecret({ instance, engine, checkoutDir }: Stack, rotation: Rotation): Promise<void> {
  const settings = loadSettings(instance, checkoutDir);
  // Then all that stores it has it too, and may not run at the moment.
  if (secretValue(settings.secrets, rotation.variable) === rotation.after) return;
  await changeWhereStored(settings, engine.dockerHost, rotation);
  setEnvValue(instance.envFile, rotation.variable, rotation.after);
  note(`${rotation.variable}: has a new value in ${instance.envFile}`);
}

/** PostgreSQL and Grafana keep what they were first started with: they are told, and only then does the file change. */
async function changeWhereStored(settings: Settings, dockerHost: string, { variable, before, after }: Rotation) {
  if (variable === 'POSTGRES_PASSWORD') await changeRole(settings, dockerHost, before, after);
  if (variable === 'GRAFANA_ADMIN_PASSWORD') await changeAdmin(settings, before, after);
}

/** SQL that gives the role its new password; psql reads it from its standard input. */
export const roleSql = (user: string, verifier: string) => `alter role "${user}" password '${verifier}';\n`;

async function changeRole(settings: Settings, dockerHost: string, before: string, after: string): Promise<void> {
  const change = (password: string) =>
    psql(
      settings,
      dockerHost,
      password,
      `set log_statement = 'none';\n${roleSql(settings.db.user, scramVerifier(after))}`,
    );
  const first = await change(before);
  if (first.exitCode === 0) return;
  // A rotation that was killed right after the database took the new password.
  if ((await change(after)).exitCode === 0) return;
  throw new UserError(
    'E_ROTATE',
    `${containerName(settings, 'db')}: did not take the new password; nothing was changed (got ${first.stderr.trim()})`,
    `Run ./gatewayctl verify ${settings.env}, then rotate again.`,
  );
}

async function changeAdmin(settings: Settings, before: string, after: string): Promise<void> {
  const host = hostInUrl(settings.bindIp);
  const url = `http://${host}:${settings.ports.grafana}/api/user/password`;
  const put = async (password: string) => {
    const login = Buffer.from(`${settings.grafanaAdminUser}:${password}`).toString('base64');
    const answer = await fetch(url, {
      method: 'PUT',
      headers: { authorization: `Basic ${login}`, 'content-type': 'application/json' },
      body: JSON.stringify({ oldPassword: password, newPassword: after, confirmNew: after }),
      signal: AbortSignal.timeout(30_000),
    }).catch((error: Error) => error);
    return answer instanceof Error ? answer.message : answer.ok ? undefined : `HTTP ${answer.status}`;
  };
  const problem = await put(before);
  if (problem === undefined || (await put(after)) === undefined) return;
  throw new UserError(
    'E_ROTATE',
    `${url}: did not take the new password; nothing was changed (got ${problem})`,
    `Run ./gatewayctl verify ${settings.env}, then rotate again.`,
  );
}
