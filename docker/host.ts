import { ownEnvironment } from '../host/environment.ts';
import { UserError } from '../host/errors.ts';
import { run } from '../host/process.ts';

const standardHost = 'unix:///var/run/docker.sock';

/** The daemon's address: `DOCKER_HOST`, else that of the current docker context, which Pulumi's provider ignores. */
export async function resolveDockerHost(env: NodeJS.ProcessEnv = ownEnvironment): Promise<string> {
  return givenDockerHost(env) ?? ((await currentContext(env))?.host || standardHost);
}

/** `DOCKER_HOST` where it is set. */
export const givenDockerHost = (env: NodeJS.ProcessEnv = ownEnvironment): string | undefined =>
  env.DOCKER_HOST === '' ? undefined : env.DOCKER_HOST;

/** The docker context that `docker` would use without DOCKER_HOST; `undefined` where there is no usable `docker`. */
export async function currentContext(
  env: NodeJS.ProcessEnv = ownEnvironment,
): Promise<{ readonly name: string; readonly host: string } | undefined> {
  const format = '{{.Name}} {{.Endpoints.docker.Host}}';
  try {
    const { stdout } = await run(['docker', 'context', 'inspect', '--format', format], {
      env: { ...env, DOCKER_HOST: undefined },
      timeoutMs: 10_000,
    });
    const [name = '', host = ''] = stdout.trim().split(' ');
    return { name, host };
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
