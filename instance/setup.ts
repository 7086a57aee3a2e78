import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { UserError } from '../host/errors.ts';
import { createWhole } from '../host/whole-file.ts';
import { envFileText } from '../settings/env-file.ts';
import type { Instance } from '../settings/instance.ts';
import { bindIpProblem } from '../settings/schema.ts';

/** Address that `up dev` uses if there is no instance yet: loopback, so that no other host can reach it. */
export const loopbackFor = (platform: NodeJS.Platform) => (platform === 'darwin' ? '127.0.0.1' : '127.0.10.1');

/**
 * Creates what an instance lacks: directories, id, passphrase, and its `.env` with random secrets.
 * Never overwrites anything.
 * @returns whether it wrote the `.env`
 */
export function makeInstance(instance: Instance, bindIp: string): boolean {
  const problem = bindIpProblem(bindIp);
  if (problem !== undefined) {
    throw new UserError(
      'E_BIND_IP',
      `--bind-ip: ${problem} (got ${bindIp === '' ? '""' : bindIp})`,
      'Give one address of this host, e.g. --bind-ip 10.0.0.4.',
    );
  }
  completeInstance(instance);
  return createWhole(instance.envFile, envFileText({ env: instance.env, bindIp, makeSecret }), 0o600);
}

/** Creates the missing directories and files of an instance, except its `.env`. */
export function completeInstance(instance: Instance): void {
  makeDirectory(instance.dir, 0o755);
  makeDirectory(instance.defaultDataDir, 0o755);
  makeDirectory(instance.configDir, 0o755);
  for (const dir of [instance.secretsDir, instance.stateDir, instance.backupsDir, instance.logsDir]) {
    makeDirectory(dir, 0o700);
  }
  if (!existsSync(instance.idFile)) createWhole(instance.idFile, `${randomUUID()}\n`, 0o644);
  if (!existsSync(instance.passphraseFile)) createWhole(instance.passphraseFile, `${makeSecret()}\n`, 0o600);
}

const makeSecret = () => randomBytes(24).toString('base64url');

function makeDirectory(path: string, mode: number): void {
  if (existsSync(path)) return;
  try {
    mkdirSync(path, { recursive: true });
    // The caller's umask must not decide who may read it.
    chmodSync(path, mode);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    throw new UserError(
      'E_NO_ACCESS',
      `${path}: this user may not create it (got ${code})`,
      `Create it once as root: sudo install -d -o "$(id -un)" ${path}; or set TAXLIEN_GATEWAY_ROOT to a directory of yours.`,
      { cause: error },
    );
  }
}
