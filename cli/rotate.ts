import { randomBytes } from 'node:crypto';
import { hostInUrl } from '../settings/address.ts';
import { setEnvValue } from '../settings/env-edit.ts';
import { UserError } from '../settings/errors.ts';
import { loadSettings, type Settings } from '../settings/load.ts';
import { containerName } from '../settings/names.ts';
import { beginRotation, endRotation, type Rotation, readRotation, secretVariables } from '../settings/rotation.ts';
import type { Variable } from '../settings/schema.ts';
import { scramVerifier } from '../settings/scram.ts';
import { note } from './output.ts';
import { psql } from './psql.ts';
import { changingVerb } from './stack-verb.ts';
import { deployStack } from './up.ts';
import type { Verb } from './verb.ts';

const rotation = changingVerb(
  'rotate',
  {
    summary: 'give a secret a new random value',
    details: `Changes the value where it is stored, in the .env and in the containers that use it, and replaces no other. After a kill, run it again. Secrets: ${secretVariables.join(', ')}.`,
  },
  async (stack, { words, progress }) => {
    const variable = secretVariables.find((name) => name === words[1]);
    if (variable === undefined) {
      throw new UserError(
        'E_NO_SECRET',
        `rotate: no secret of an instance (got ${words[1]})`,
        `Name one of ${secretVariables.join(', ')}.`,
      );
    }
    const { instance, engine } = stack;
    const open = readRotation(instance);
    if (open !== undefined && open.variable !== variable) {
      throw new UserError(
        'E_ROTATION_OPEN',
        `rotate: the rotation of ${open.variable} is not finished (got ${variable})`,
        `Run ./gatewayctl rotate ${instance.env} ${open.variable} first.`,
      );
    }
    const settings = loadSettings(instance, stack.checkoutDir);
    const begun = open ?? {
      variable,
      before: currentValue(settings, variable),
      after: randomBytes(24).toString('base64url'),
    };
    // Written before anything changes: a value that only the database knew would lock everybody out.
    beginRotation(instance, begun);
    await changeWhereStored(settings, engine.dockerHost, begun);
    setEnvValue(instance.envFile, variable, begun.after);
    note(`${variable}: has a new value in ${instance.envFile}`);
    const exitCode = await deployStack(stack, progress);
    if (exitCode === 0) endRotation(instance);
    return exitCode;
  },
);

export const rotate: Verb = { ...rotation, usage: '<env> <secret> [--sandbox] [--wait]', words: [2, 2] };

function currentValue({ secrets }: Settings, variable: Variable): string {
  const values: Partial<Record<Variable, string>> = {
    POSTGRES_PASSWORD: secrets.postgresPassword,
    REDIS_PASSWORD: secrets.redisPassword,
    WORKER_TOKEN: secrets.workerToken,
    GRAFANA_ADMIN_PASSWORD: secrets.grafanaAdminPassword,
  };
  const value = values[variable];
  if (value === undefined) throw new TypeError(`rotate: ${variable} is not among the secrets`);
  return value;
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
