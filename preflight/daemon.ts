import { dockerVersion } from '../bootstrap/toolchain/parts.ts';
import { presentToolchain } from '../bootstrap/toolchain/toolchain.ts';
import type { DockerClient } from '../docker/client.ts';
import { type DaemonFacts, readDaemon } from '../docker/daemon-facts.ts';
import { currentContext, givenDockerHost } from '../docker/host.ts';
import type { ErrorCode } from '../host/error-codes.ts';
import type { Finding } from '../host/errors.ts';
import { isRefusal } from '../host/errors.ts';
import { readLastEngine } from '../instance/last-engine.ts';
import { userDirs } from '../settings/instance.ts';
import type { DaemonCheck } from './check.ts';

const leastApi = '1.41';

/** Newest API of the docker plugin that is built here: `newestAPI` in bootstrap/toolchain/resource-docker/shim. */
export const builtPluginApi = '1.44';

const versionFormat = ['Os', 'Arch', 'APIVersion', 'MinAPIVersion'].map((field) => `{{.Server.${field}}}`).join(' ');

/** Facts about a daemon for Linux containers, or the finding that none answers. */
export async function askDaemon(docker: DockerClient): Promise<DaemonFacts | Finding> {
  const result = await docker
    .call(['version', '--format', versionFormat], { allowedExitCodes: 'any', timeoutMs: 10_000 })
    .catch((error: unknown) => {
      if (isRefusal(error)) return { exitCode: 1, stdout: '', stderr: error.message };
      throw error;
    });
  const [os = '', arch = '', apiVersion = '', minApiVersion = ''] = result.stdout.trim().split(' ');
  if (result.exitCode === 0 && os === 'linux') return readDaemon(docker, { arch, apiVersion, minApiVersion });
  if (result.stderr.includes('permission denied')) return permissionFinding(docker.host, result.stderr);
  const got = result.exitCode === 0 ? `containers of ${os}` : (result.stderr.trim().split('\n').at(-1) ?? '');
  return {
    code: 'E_DAEMON',
    severity: 'error',
    message: `docker: no daemon for Linux containers answers at ${docker.host} (got ${got})`,
    why: 'Every part of the stack is a container of that daemon.',
    fix: 'Start Docker (Linux: sudo systemctl start docker; macOS: open -a Docker), or set DOCKER_HOST to its address (docker context ls shows those that are known).',
  };
}

function permissionFinding(dockerHost: string, stderr: string): Finding {
  return {
    code: 'E_DAEMON_PERMISSION',
    severity: 'error',
    message: `docker: this user may not use ${dockerHost} (got ${stderr.trim().split('\n').at(-1) ?? ''})`,
    why: 'Every part of the stack is a container of that daemon.',
    fix: 'Linux: sudo usermod -aG docker "$USER", then log in again; macOS: open -a Docker as this user.',
  };
}

/** The daemon can run this stack, and is the one that runs it already. */
export const daemon: DaemonCheck = {
  name: 'daemon',
  reads: 'daemon',
  run: ({ daemon: facts }) => [
    ...versionFindings(facts.host, facts.arch, facts.apiVersion),
    ...pluginFindings(facts, pluginApi()),
    ...driverFindings(facts),
  ],
};

/** Newest API that the docker plugin speaks, where that may be older than what a daemon asks for. */
const pluginApi = () =>
  presentToolchain(userDirs().cacheDir)?.parts.docker.origin === 'built' ? builtPluginApi : undefined;

/** The daemon is too old, or runs on an architecture without images. */
export function versionFindings(dockerHost: string, arch: string, apiVersion: string): readonly Finding[] {
  const findings: Finding[] = [];
  const refuse = (code: ErrorCode, rule: string, why: string, fix: string) =>
    findings.push({ code, severity: 'error', message: `docker at ${dockerHost}: ${rule}`, why, fix });
  if (isOlder(apiVersion, leastApi)) {
    refuse(
      'E_DAEMON_API',
      `is too old (got API ${apiVersion}, needs ${leastApi}, Docker 20.10)`,
      'The deploy uses what older daemons do not have.',
      'Update it. Linux: sudo apt-get install --only-upgrade docker-ce; macOS: brew upgrade --cask docker.',
    );
  }
  if (arch !== 'amd64' && arch !== 'arm64') {
    const why = 'The images of the five services are made for those two only.';
    refuse(
      'E_DAEMON_ARCH',
      `runs on another architecture than amd64 and arm64 (got ${arch})`,
      why,
      'Use another host.',
    );
  }
  return findings;
}

/** What the daemon is too new for: the docker plugin, where that speaks no newer API than `speaks`. */
export function pluginFindings(
  { host, minApiVersion }: Pick<DaemonFacts, 'host' | 'minApiVersion'>,
  speaks: string | undefined,
): readonly Finding[] {
  if (speaks === undefined || !isOlder(speaks, minApiVersion)) return [];
  return [
    {
      code: 'E_DAEMON_API_PLUGIN',
      severity: 'error',
      message: `docker at ${host}: is too new for the docker plugin that was built here (got API ${minApiVersion} at least, the plugin speaks ${speaks})`,
      why: 'The daemon would refuse every request of the deploy.',
      fix: `Install the official plugin: pulumi plugin install resource docker ${dockerVersion}, then ./gatewayctl toolchain --renew.`,
    },
  ];
}

/** Whether an API version, such as 1.41, is older than another. */
function isOlder(version: string, other: string): boolean {
  const [[major = 0, minor = 0], [otherMajor = 0, otherMinor = 0]] = [version, other].map((text) =>
    text.split('.').map(Number),
  ) as [number[], number[]];
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

function driverFindings({ host, storageDriver }: DaemonFacts): readonly Finding[] {
  if (!['vfs', 'devicemapper', 'aufs'].includes(storageDriver)) return [];
  return [
    {
      code: 'W_STORAGE_DRIVER',
      severity: 'warning',
      message: `docker at ${host}: stores images in a way that is slow or no longer kept up (got storage driver ${storageDriver})`,
      why: 'Each build copies whole images, and a newer Docker may not read them.',
      fix: 'Linux: set "storage-driver": "overlay2" in /etc/docker/daemon.json, then sudo systemctl restart docker, and deploy again; macOS: Docker Desktop, Settings, General, "Use containerd".',
    },
  ];
}

/** The daemon is the one of this instance's last deploy, and the one that the operator's own `docker` talks to. */
export const sameDaemon: DaemonCheck = {
  name: 'same-daemon',
  reads: 'daemon',
  async run({ settings: { instance }, daemon: { host, id } }) {
    const last = readLastEngine(instance);
    const findings: Finding[] = [];
    if (last?.kind === 'daemon' && last.id !== undefined && last.id !== id) {
      findings.push({
        code: 'E_DAEMON_OTHER',
        severity: 'error',
        message: `docker at ${host}: is another daemon than that of the last deploy (got ${id}, was ${last.id})`,
        why: 'Its containers may still run there: two servers on one data directory destroy it.',
        fix: `Set DOCKER_HOST or the context back (docker context ls); or, when Docker was installed again on this host: rm ${instance.engineFile}`,
      });
    }
    if (last?.kind !== 'sandbox') findings.push(...(await contextFindings(host)));
    return findings;
  },
};

/** DOCKER_HOST overrides a docker context that the user selected: `docker` elsewhere then shows another daemon. */
async function contextFindings(host: string): Promise<readonly Finding[]> {
  if (givenDockerHost() === undefined) return [];
  const context = await currentContext();
  if (context === undefined || context.name === 'default' || context.host === host) return [];
  return [
    {
      code: 'W_DOCKER_CONTEXT',
      severity: 'warning',
      message: `DOCKER_HOST: is not the address of the current docker context (got ${host}, context ${context.name} has ${context.host})`,
      why: 'DOCKER_HOST wins here; in a shell without it, docker shows another daemon than the deployed one.',
      fix: 'Make them one: unset DOCKER_HOST, or docker context use default.',
    },
  ];
}
