import { createHash } from 'node:crypto';
import path from 'node:path';
import { UserError } from '../../host/errors.ts';

/** Every path and name that one sandbox uses; all are below `dir`. */
export type Layout = Readonly<ReturnType<typeof layoutOf>>;

const namePattern = /^[a-z0-9][a-z0-9_.-]{0,39}$/;
// The kernel's sun_path; containerd appends `.ttrpc` to its socket's name.
const maxSocketPath = 107;

/** @throws UserError E_SANDBOX_NAME if the name is no file name, E_SANDBOX_PATH if a socket's path is too long */
export function layoutOf(stateDir: string, name: string) {
  if (!namePattern.test(name)) {
    throw new UserError(
      'E_SANDBOX_NAME',
      `sandbox name: must be 1 to 40 of a-z, 0-9, "_", "." and "-", beginning with a letter or digit (got ${JSON.stringify(name)})`,
      'Choose another name: ./gatewayctl sandbox start default',
    );
  }
  const dir = path.join(path.resolve(stateDir), 'sandbox', name);
  const execRoot = path.join(dir, 'exec');
  const containerdState = path.join(execRoot, 'c');
  const containerdSocket = path.join(containerdState, 'c.sock');
  const longest = `${containerdSocket}.ttrpc`;
  if (Buffer.byteLength(longest) > maxSocketPath) {
    throw new UserError(
      'E_SANDBOX_PATH',
      `sandbox ${name}: a socket's path may have ${maxSocketPath} bytes (got ${Buffer.byteLength(longest)}: ${longest})`,
      'Set XDG_STATE_HOME to a shorter directory, then run this again.',
    );
  }
  return {
    name,
    dir,
    execRoot,
    containerdState,
    containerdSocket,
    socket: path.join(dir, 'docker.sock'),
    instancesDir: path.join(dir, 'instances'),
    dataRoot: path.join(dir, 'data'),
    pidFile: path.join(dir, 'dockerd.pid'),
    containerdRoot: path.join(dir, 'containerd'),
    containerdConfig: path.join(dir, 'containerd.toml'),
    daemonConfig: path.join(dir, 'daemon.json'),
    logFile: path.join(dir, 'engine.log'),
    recordFile: path.join(dir, 'engine.json'),
    lockFile: path.join(path.resolve(stateDir), 'sandbox', `${name}.lock`),
    // Parent of all containers' cgroups: identifies the processes of this engine.
    cgroup: `/taxlien-gateway-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`,
  };
}
