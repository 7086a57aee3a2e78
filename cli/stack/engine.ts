import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startSandbox } from '../../bootstrap/sandbox/sandbox.ts';
import { DockerClient } from '../../docker/client.ts';
import { resolveDockerHost } from '../../docker/host.ts';
import { UserError } from '../../host/errors.ts';
import { note, type Progress } from '../../host/output.ts';
import { readLastEngine, writeLastEngine } from '../../instance/last-engine.ts';
import { givenRoot, type Instance, instanceOf, instancesRoot, userDirs } from '../../settings/instance.ts';
import type { Environment } from '../../settings/services.ts';

/** The daemon that an environment runs on, and the root of the instances that belong to it. */
export interface Engine {
  readonly kind: 'daemon' | 'sandbox';
  readonly docker: DockerClient;
  readonly root: string;
}

/** Name and directories of the sandbox that `up` uses; the tests have their own. */
export const sandboxPlace = () => ({ name: 'default', netns: 'host', ...userDirs() }) as const;

const sandboxDir = () => join(userDirs().stateDir, 'sandbox', sandboxPlace().name);

async function daemonEngine(): Promise<Engine> {
  return { kind: 'daemon', docker: new DockerClient(await resolveDockerHost()), root: instancesRoot() };
}

function sandboxEngine(env: Environment): Engine {
  const dir = sandboxDir();
  const root = givenRoot() ?? sandboxRoot(env, join(dir, 'instances'), instancesRoot());
  return { kind: 'sandbox', docker: new DockerClient(`unix://${join(dir, 'docker.sock')}`), root };
}

/** Root of the sandbox's instances; the standard root if `init` created the instance there. */
export function sandboxRoot(env: Environment, own: string, standard: string): string {
  const isIn = (root: string) => existsSync(instanceOf(env, root).envFile);
  return !isIn(own) && isIn(standard) ? standard : own;
}

/** The engine that an environment was deployed on, else the daemon of this host. Starts nothing. */
export async function findEngine(env: Environment): Promise<Engine> {
  const [daemon, sandbox] = [await daemonEngine(), sandboxEngine(env)];
  if (hasRunOn(env, daemon)) return daemon;
  return hasRunOn(env, sandbox) || daemon.docker.host === sandbox.docker.host ? sandbox : daemon;
}

/** Starts the sandbox; never starts the host's own daemon. */
export async function startEngine({ kind }: Engine, progress: Progress): Promise<void> {
  if (kind === 'sandbox') await startSandbox({ ...sandboxPlace(), progress });
}

/**
 * Chooses the engine of an environment: the one that it was deployed on; else the daemon that answers at DOCKER_HOST or
 * in the current docker context; else, for dev on Linux as root, a sandbox. Starts nothing.
 * @param isSandboxAsked use the sandbox for an environment that was never deployed
 * @throws UserError E_ENGINE, E_DAEMON
 */
export async function chooseEngine(env: Environment, isSandboxAsked: boolean): Promise<Engine> {
  const found = await findEngine(env);
  if (isSandboxAsked && found.kind === 'daemon' && hasRunOn(env, found)) {
    throw new UserError(
      'E_ENGINE',
      `${join(found.root, env)}: this instance runs on the host's own daemon (got --sandbox)`,
      'Omit --sandbox; or set another root for the sandbox: TAXLIEN_GATEWAY_ROOT=<directory>.',
    );
  }
  if (isSandboxAsked || found.kind === 'sandbox') return sandboxEngine(env);
  if (hasRunOn(env, found) || (await found.docker.isAnswering())) return found;
  if (env === 'dev' && process.platform === 'linux' && process.getuid?.() === 0) {
    note(`no Docker daemon answers at ${found.docker.host}: dev runs in the sandbox (./gatewayctl sandbox status)`);
    return sandboxEngine(env);
  }
  throw new UserError(
    'E_DAEMON',
    `docker: no daemon answers (got ${found.docker.host})`,
    `Start Docker and give this user access; or, on Linux as root, use the sandbox: ./gatewayctl up ${env} --sandbox.`,
  );
}

/** If true, a stopped daemon is an error: another engine would start with empty volumes. */
function hasRunOn(env: Environment, { kind, root }: Engine): boolean {
  return readLastEngine(instanceOf(env, root))?.kind === kind;
}

/** Records the daemon's id. Not the sandbox's: it may be created again with another id. */
export async function rememberEngine(instance: Instance, { kind, docker }: Engine): Promise<void> {
  if (kind === 'sandbox') return;
  const [id = ''] = await docker.lines(['info', '--format', '{{.ID}}']);
  writeLastEngine(instance, { kind, id });
}

/** Records the kind of engine that an instance is deployed on. */
export function writeEngineKind(instance: Instance, kind: Engine['kind']): void {
  if (readLastEngine(instance)?.kind !== kind) writeLastEngine(instance, { kind });
}
