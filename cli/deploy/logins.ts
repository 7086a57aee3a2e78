import { createDecipheriv, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import type { DockerClient } from '../../docker/client.ts';
import { containerName } from '../../docker/names.ts';
import type { Finding } from '../../host/errors.ts';
import { readIfThere } from '../../host/whole-file.ts';
import type { Settings } from '../../settings/load.ts';
import { checkpointFile, readCheckpoint } from '../stack/state-files.ts';
import { psql } from './psql.ts';

const iterations = 1_000_000;
/** psql's exit code if it could not log in. */
const noConnection = 2;

/** Findings that require a login or a decryption; none if there is no database or no state yet. */
export async function loginFindings(settings: Settings, docker: DockerClient): Promise<readonly Finding[]> {
  return (await Promise.all([passwordFindings(settings, docker), passphraseFindings(settings)])).flat();
}

/** PostgreSQL keeps the password of its first start, even if `.env` changes later. */
async function passwordFindings(settings: Settings, docker: DockerClient): Promise<readonly Finding[]> {
  const { exitCode, stderr } = await psql(settings, docker, settings.secrets.POSTGRES_PASSWORD, 'select 1;\n');
  const { instance, env } = settings;
  if (exitCode !== noConnection) return [];
  if (!stderr.includes('password authentication failed')) {
    const container = containerName(settings, 'db');
    return [
      {
        code: 'W_DATABASE_LOGIN',
        severity: 'warning',
        message: `${container}: must let ${settings.db.user} log in (got ${stderr.trim().split('\n').at(-1)})`,
        why: 'POSTGRES_PASSWORD could not be checked, and the gateway may not reach its database either.',
        fix: `Read its log (docker logs --tail 20 ${container}); if it was disconnected from its network: ./gatewayctl up ${env}`,
      },
    ];
  }
  return [
    {
      code: 'E_POSTGRES_PASSWORD',
      severity: 'error',
      message: `${instance.envFile} POSTGRES_PASSWORD: is not the password of the database (got a refused login as ${settings.db.user})`,
      why: 'The next deploy would start a gateway that cannot log in.',
      fix: `Restore the old value in the .env (sudo cat ${instance.secretsDir}/db/postgres_password prints it); for a new one: ./gatewayctl rotate ${env} POSTGRES_PASSWORD`,
    },
  ];
}

async function passphraseFindings({ instance }: Settings): Promise<readonly Finding[]> {
  const salt = readCheckpoint(checkpointFile(instance))?.checkpoint.latest?.secrets_providers?.state?.salt;
  if (salt === undefined) return [];
  const passphrase = readIfThere(instance.passphraseFile)?.trim();
  if (passphrase !== undefined && (await isPassphraseOf(salt, passphrase))) return [];
  const got = passphrase === undefined ? 'no file' : `another passphrase than that of ${checkpointFile(instance)}`;
  return [
    {
      code: 'E_PASSPHRASE_OTHER',
      severity: 'error',
      message: `${instance.passphraseFile}: does not decrypt the state (got ${got})`,
      why: 'No deploy can read the secrets in its own state.',
      fix: `Restore the old passphrase from a backup of ${instance.secretsDir}.`,
    },
  ];
}

/** Whether a passphrase decrypts the known text in a salt of Pulumi, `v1:<salt>:v1:<nonce>:<text, tag>`. */
async function isPassphraseOf(saltText: string, passphrase: string): Promise<boolean> {
  const [, salt = '', , nonce = '', sealed = ''] = saltText.split(':');
  const bytes = Buffer.from(sealed, 'base64');
  const key = await promisify(pbkdf2)(passphrase, Buffer.from(salt, 'base64'), iterations, 32, 'sha256');
  try {
    // A damaged salt fails here already.
    const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64'), { authTagLength: 16 });
    decipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString() === 'pulumi';
  } catch {
    return false;
  }
}
