import { run } from '../cli/process.ts';
import { UserError } from './errors.ts';

const standardHost = 'unix:///var/run/docker.sock';

/** The daemon's address: `DOCKER_HOST`, else that of the current docker context, which Pulumi's provider ignores. */
export async function resolveDockerHost(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  if (env.DOCKER_HOST !== undefined && env.DOCKER_HOST !== '') return env.DOCKER_HOST;
  try {
    const { stdout } = await run(['docker', 'context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'], {
      timeoutMs: 10_000,
    });
    return stdout.trim() || standardHost;
  } catch (error) {
    if (error instanceof UserError) return standardHost;
    throw error;
  }
}

/** Whether a daemon answers at that address. */
export async function isDaemonAnswering(dockerHost: string): Promise<boolean> {
  try {
    await run(['docker', '--host', dockerHost, 'version', '--format', '{{.Server.Version}}'], { timeoutMs: 10_000 });
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}
