import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { ownEnvironment } from '../host/environment.ts';
import { UserError } from '../host/errors.ts';
import { type Environment, environments } from './services.ts';

/** The directory of one environment on this host, and the paths in it. All are absolute. */
export interface Instance {
  readonly env: Environment;
  readonly dir: string;
  readonly envFile: string;
  readonly overrideFile: string;
  /** Pulumi's own stack file: secrets provider and salt, nothing else. */
  readonly stackFile: string;
  /** DATA_DIR's default. The directory in use is `Settings.dataDir`. */
  readonly defaultDataDir: string;
  /** Markers of the data directories, wherever the data is. */
  readonly ownersDir: string;
  readonly configDir: string;
  readonly secretsDir: string;
  readonly passphraseFile: string;
  readonly stateDir: string;
  readonly backupsDir: string;
  readonly logsDir: string;
  /** Random id of this instance, written once: markers beside the data name it. */
  readonly idFile: string;
  /** Id of the last creation of the host paths. */
  readonly hostPathsFile: string;
  /** Kind and id of the engine that this instance was last deployed on. */
  readonly engineFile: string;
  /** Held while a gatewayctl changes the instance. */
  readonly lockFile: string;
  /** Which secret files have been written, and of which generation. */
  readonly appliedSecretsFile: string;
  /** Journals of unfinished changes. */
  readonly rotationFile: string;
  readonly moveFile: string;
  readonly adoptionFile: string;
  /** Copies of good states of Pulumi. */
  readonly stateBackupsDir: string;
  readonly deployRecordFile: string;
}

/**
 * @throws UserError E_ENVIRONMENT
 */
export function parseEnvironment(text: string | undefined): Environment {
  const found = environments.find((environment) => environment === text);
  if (found !== undefined) return found;
  throw new UserError(
    'E_ENVIRONMENT',
    `environment: is not one of this project (got ${text === undefined || text === '' ? 'nothing' : text})`,
    `Name one of ${environments.join(', ')}.`,
  );
}

/** `TAXLIEN_GATEWAY_ROOT`, if it is set. */
export function givenRoot(env: NodeJS.ProcessEnv = ownEnvironment): string | undefined {
  const root = env.TAXLIEN_GATEWAY_ROOT ?? '';
  if (root === '') return undefined;
  if (isAbsolute(root)) return resolve(root);
  throw new UserError(
    'E_ROOT',
    `TAXLIEN_GATEWAY_ROOT: must be an absolute path (got ${root})`,
    `Set it to ${resolve(root)}.`,
  );
}

/** Root of the instances: `TAXLIEN_GATEWAY_ROOT`, or `/opt/taxlien-gateway`, on macOS `~/taxlien-gateway`. */
export function instancesRoot(
  env: NodeJS.ProcessEnv = ownEnvironment,
  platform: NodeJS.Platform = process.platform,
): string {
  const standard = platform === 'darwin' ? join(homedir(), 'taxlien-gateway') : '/opt/taxlien-gateway';
  return givenRoot(env) ?? standard;
}

export function instanceOf(env: Environment, root: string): Instance {
  const dir = join(root, env);
  return {
    env,
    dir,
    envFile: join(dir, '.env'),
    overrideFile: join(dir, 'docker-compose.override.yml'),
    stackFile: join(dir, `Pulumi.${env}.yaml`),
    defaultDataDir: join(dir, 'data'),
    ownersDir: join(dir, 'data', '.owners'),
    configDir: join(dir, 'config'),
    secretsDir: join(dir, 'secrets'),
    passphraseFile: join(dir, 'secrets', 'pulumi-passphrase'),
    stateDir: join(dir, 'state'),
    backupsDir: join(dir, 'backups'),
    logsDir: join(dir, 'logs'),
    idFile: join(dir, 'instance-id'),
    hostPathsFile: join(dir, 'host-paths-id'),
    engineFile: join(dir, 'engine'),
    lockFile: join(dir, 'lock'),
    appliedSecretsFile: join(dir, 'secrets', 'applied.json'),
    rotationFile: join(dir, 'secrets', 'rotation.json'),
    moveFile: join(dir, 'move-data.json'),
    adoptionFile: join(dir, 'adoption.json'),
    stateBackupsDir: join(dir, 'backups', 'state'),
    deployRecordFile: join(dir, 'logs', 'last-deploy.json'),
  };
}

/** The error for an instance without an `.env`. */
export const noInstance = ({ env, envFile }: Instance): UserError =>
  new UserError(
    'E_NO_INSTANCE',
    `${envFile}: there is no instance here`,
    `Run ./gatewayctl init ${env} --bind-ip <address of this host>.`,
  );

/** The instance of an environment on this host, by name. */
export const currentInstance = (env: string | undefined): Instance =>
  instanceOf(parseEnvironment(env), instancesRoot());

/** Per-user directories, by the XDG rules on Linux and macOS alike. */
export function userDirs(env: NodeJS.ProcessEnv = ownEnvironment): {
  readonly cacheDir: string;
  readonly stateDir: string;
} {
  const base = (value: string | undefined, fallback: string) =>
    value !== undefined && isAbsolute(value) ? value : join(homedir(), fallback);
  return {
    cacheDir: join(base(env.XDG_CACHE_HOME, '.cache'), 'taxlien-gateway'),
    stateDir: join(base(env.XDG_STATE_HOME, '.local/state'), 'taxlien-gateway'),
  };
}
