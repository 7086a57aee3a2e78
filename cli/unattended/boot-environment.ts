import { delimiter, dirname } from 'node:path';
import { ownEnvironment } from '../../host/environment.ts';
import { findProgram } from '../../host/paths.ts';

const standardPath = ['/usr/local/bin', '/usr/local/sbin', '/usr/bin', '/usr/sbin', '/bin', '/sbin'];

/** The environment of `gatewayctl` at boot, without a login session. Contains no secret. */
export function bootEnvironment(
  { home, nodeDir, root, dockerHost }: BootEnvironmentArgs,
  env: NodeJS.ProcessEnv = ownEnvironment,
): Readonly<Record<string, string>> {
  const given = ['XDG_CACHE_HOME', 'XDG_STATE_HOME'].filter((key) => (env[key] ?? '') !== '');
  // Not in a relative or empty entry of PATH, which means another directory at boot.
  const docker = findProgram('docker', (env.PATH ?? '').split(delimiter));
  return {
    HOME: home,
    PATH: [...new Set([nodeDir, ...(docker === undefined ? [] : [dirname(docker)]), ...standardPath])].join(delimiter),
    TAXLIEN_GATEWAY_ROOT: root,
    ...(dockerHost === undefined ? {} : { DOCKER_HOST: dockerHost }),
    ...Object.fromEntries(given.map((key) => [key, env[key] ?? ''])),
  };
}

export interface BootEnvironmentArgs {
  readonly home: string;
  /** Directory of the current `node` executable. */
  readonly nodeDir: string;
  /** Root of the instances. */
  readonly root: string;
  /** `undefined`: the sandbox's own. */
  readonly dockerHost: string | undefined;
}
