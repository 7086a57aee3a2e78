import type { DockerClient } from '../../docker/client.ts';
import { containerName } from '../../docker/names.ts';
import { readStatus } from '../../docker/status.ts';
import { hostInUrl } from '../../host/address.ts';
import { UserError } from '../../host/errors.ts';
import { note } from '../../host/output.ts';
import { setEnvValue } from '../../instance/env-edit.ts';
import { type Rotation, rotationContinues } from '../../instance/rotation-journal.ts';
import type { Settings } from '../../settings/load.ts';
import type { Variable } from '../../settings/schema.ts';
import type { ServiceName } from '../../settings/services.ts';
import { runPulumi } from '../stack/run-pulumi.ts';
import type { Stack, StackWithSettings } from '../stack/stack.ts';
import { psql } from './psql.ts';
import { scramVerifier } from './scram.ts';

/** Services that store the value of their first start: they must change it before `.env` does. */
const stores: Partial<Record<Variable, ServiceName>> = { POSTGRES_PASSWORD: 'db', GRAFANA_ADMIN_PASSWORD: 'grafana' };

/** Changes a secret in the service that stores it, then in `.env`; the next deploy ends the rotation. Idempotent. */
export async function changeSecret(stack: StackWithSettings, rotation: Rotation): Promise<void> {
  const { instance, engine, settings } = stack;
  // `.env` changes last: the service has the new value too, and need not run now.
  if (settings.secrets[rotation.variable] === rotation.after) return;
  const store = stores[rotation.variable];
  if (store !== undefined) await startStore(stack, settings, store);
  await changeWhereStored(settings, engine.docker, rotation);
  setEnvValue(instance.envFile, rotation.variable, rotation.after);
  note(`${rotation.variable}: has a new value in ${instance.envFile}`);
}

/** A stopped service cannot change its secret: a deploy with the values of `.env` starts it. */
async function startStore(stack: Stack, settings: Settings, store: ServiceName): Promise<void> {
  const { docker } = stack.engine;
  const health = async () => (await readStatus(docker, settings)).find(({ service }) => service === store)?.health;
  const doesRun = async () => ['healthy', 'starting', 'unhealthy'].includes((await health()) ?? '');
  if (await doesRun()) return;
  const container = containerName(settings, store);
  note(
    `${container}: is not running; starting it first. If it already has the new value, the gateway cannot log in until the rotation is done`,
  );
  const continuing = { ...stack, exports: { ...stack.exports, ...rotationContinues } };
  const exitCode = await runPulumi(continuing, ['up', '--yes', '--skip-preview', '--suppress-outputs']);
  // A gateway that the database refuses fails this deploy, not the rotation.
  if (await doesRun()) return;
  throw new UserError(
    'E_ROTATE',
    `${container}: is not running and could not be started (got exit ${exitCode} of pulumi, ${await health()})`,
    `Fix the errors above, then run ./gatewayctl up ${settings.env}: it continues the rotation.`,
  );
}

async function changeWhereStored(settings: Settings, docker: DockerClient, { variable, before, after }: Rotation) {
  if (variable === 'POSTGRES_PASSWORD') await changeRole(settings, docker, before, after);
  if (variable === 'GRAFANA_ADMIN_PASSWORD') await changeAdmin(settings, before, after);
}

/** SQL that sets the role's password; psql reads it from its standard input. */
const roleSql = (user: string, verifier: string) => `alter role "${user}" password '${verifier}';\n`;

async function changeRole(settings: Settings, docker: DockerClient, before: string, after: string): Promise<void> {
  const change = (password: string) =>
    psql(settings, docker, password, `set log_statement = 'none';\n${roleSql(settings.db.user, scramVerifier(after))}`);
  const first = await change(before);
  if (first.exitCode === 0) return;
  // A rotation that was killed right after the database accepted the new password.
  if ((await change(after)).exitCode === 0) return;
  throw new UserError(
    'E_ROTATE',
    `${containerName(settings, 'db')}: did not accept the new password; nothing was changed (got ${first.stderr.trim()})`,
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
    }).catch((error: Error) => (error.cause instanceof Error ? error.cause : error));
    return answer instanceof Error ? answer.message : answer.ok ? undefined : `HTTP ${answer.status}`;
  };
  const problem = await put(before);
  if (problem === undefined || (await put(after)) === undefined) return;
  throw new UserError(
    'E_ROTATE',
    `${url}: did not accept the new password; nothing was changed (got ${problem})`,
    `Run ./gatewayctl verify ${settings.env}, then rotate again.`,
  );
}
