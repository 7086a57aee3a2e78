import { ownEnvironment } from '../host/environment.ts';
import { ifRefused } from '../host/errors.ts';
import { run } from '../host/process.ts';

const standardHost = 'unix:///var/run/docker.sock';

/** The daemon's address: `DOCKER_HOST`, else that of the current docker context, which Pulumi's provider ignores. */
export async function resolveDockerHost(env: NodeJS.ProcessEnv = ownEnvironment): Promise<string> {
  return givenDockerHost(env) ?? ((await currentContext(env))?.host || standardHost);
}

/** `DOCKER_HOST`, if it is set. */
export const givenDockerHost = (env: NodeJS.ProcessEnv = ownEnvironment): string | undefined =>
  env.DOCKER_HOST === '' ? undefined : env.DOCKER_HOST;

/** The docker context that `docker` would use without DOCKER_HOST; `undefined` if there is no usable `docker`. */
export async function currentContext(
  env: NodeJS.ProcessEnv = ownEnvironment,
): Promise<{ readonly name: string; readonly host: string } | undefined> {
  const argv = ['docker', 'context', 'inspect', '--format', '{{.Name}} {{.Endpoints.docker.Host}}'];
  const options = { env: { ...env, DOCKER_HOST: undefined }, timeoutMs: 10_000 };
  const result = await run(argv, options).catch(ifRefused(undefined));
  if (result === undefined) return undefined;
  const [name = '', host = ''] = result.stdout.trim().split(' ');
  return { name, host };
}
