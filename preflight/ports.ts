import { composeServiceOf, type FoundContainer, projectOf } from '../docker/daemon-facts.ts';
import { dockerProxiesOf } from '../docker/docker-proxies.ts';
import { hostInUrl } from '../host/address.ts';
import type { Finding } from '../host/errors.ts';
import { ifRefused } from '../host/errors.ts';
import { run } from '../host/process.ts';
import type { Settings } from '../settings/load.ts';
import { type ServiceName, services } from '../settings/services.ts';
import { bindError } from './bind-ip.ts';
import type { DaemonCheck } from './check.ts';

/** Each port on BIND_IP is free, or held by this stack's own container. */
export const ports: DaemonCheck = {
  name: 'ports',
  reads: 'daemon',
  run: ({ settings, daemon }) => portFindings(settings, daemon.containers),
};

/** Conflicts of each port with these containers; a port that none of them holds is tried. */
export async function portFindings(
  settings: Settings,
  containers: readonly FoundContainer[],
): Promise<readonly Finding[]> {
  const isIpv6 = settings.bindIp.includes(':');
  const addresses = [settings.bindIp, isIpv6 ? '::' : '0.0.0.0'];
  const holderOf = (port: number) =>
    containers.find(({ published }) => published.some(({ ip, port: held }) => held === port && addresses.includes(ip)));
  // Between two starts it holds no port, but may hold it again when the port is tried.
  const isRestarting = (service: ServiceName) =>
    containers.some(
      ({ isRestarting, labels }) =>
        isRestarting && projectOf(labels) === settings.project && composeServiceOf(labels) === service,
    );
  const findings: Finding[] = [];
  const owner = new Map<number, string>();
  const published = services.flatMap((service) => [
    ...(settings.isPublished[service] ? [{ service, port: settings.ports[service], isExtra: false }] : []),
    ...settings.overrides[service].ports.map(({ external }) => ({ service, port: external, isExtra: true })),
  ]);
  for (const { service, port, isExtra } of published) {
    const where = `${hostInUrl(settings.bindIp)}:${port} (${service})`;
    const { envFile, overrideFile } = settings.instance;
    const place = isExtra ? `change it in ${overrideFile}` : `set ${service.toUpperCase()}_PORT in ${envFile}`;
    const fix = `Free it, or ${place} to another port.`;
    const why = 'The container of this service could not start.';
    const twin = owner.get(port);
    owner.set(port, service);
    const holder = holderOf(port);
    let got: string | undefined;
    if (twin !== undefined) got = `${twin} of this environment has the same port`;
    else if (holder === undefined) got = isRestarting(service) ? undefined : await bindError(settings.bindIp, port);
    else if (projectOf(holder.labels) !== settings.project) {
      const project = projectOf(holder.labels);
      got = `container ${holder.name}${project === '' ? '' : ` of project ${project}`}`;
    }
    // A missing address is the finding of another check.
    if (got === undefined || got === 'EADDRNOTAVAIL') continue;
    const rule = got === 'EACCES' ? 'this user may not bind it' : 'is taken';
    const listener: Listener = got === 'EADDRINUSE' ? await listenerOn(settings.bindIp, port) : { text: got };
    findings.push({
      code: 'E_PORT_TAKEN',
      severity: 'error',
      message: `${where}: ${rule} (got ${listener.text})`,
      why,
      fix: listener.fix ?? fix,
    });
  }
  return findings;
}

/** What listens on an address. */
interface Listener {
  readonly text: string;
  /** How to free the port, if neither stopping the process nor another port is the fix. */
  readonly fix?: string;
}

/** The process that listens on an address, as far as this user can see it. */
async function listenerOn(ip: string, port: number): Promise<Listener> {
  const [proxy] = dockerProxiesOf({ ip, port });
  if (proxy !== undefined) {
    const { pid } = proxy.id;
    return proxy.hasEngine
      ? {
          text: `docker-proxy, pid ${pid}, of no container`,
          fix: 'An engine that was stopped during a deploy may start in this state. Restart it: sudo systemctl restart docker',
        }
      : {
          text: `docker-proxy, pid ${pid}, orphaned by its engine`,
          fix: `Kill it: sudo kill ${pid}`,
        };
  }
  const isMac = process.platform === 'darwin';
  const argv = isMac
    ? ['lsof', '-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpcn']
    : ['ss', '--no-header', '-ltnp', `sport = :${port}`];
  const found = await run(argv, { allowedExitCodes: 'any', timeoutMs: 10_000 }).catch(ifRefused({ stdout: '' }));
  const addresses = [hostInUrl(ip), '*', '0.0.0.0', '[::]'].map((host) => `${host}:${port}`);
  const text = parseListener(found.stdout, addresses);
  return { text: text ?? `a process of another user; show it: sudo ${isMac ? 'lsof -nP -iTCP' : 'ss -ltnp'}` };
}

/** `process node, pid 4711`, from the output of `ss -ltnp` or `lsof -Fpcn` about these addresses. */
export function parseListener(text: string, addresses: readonly string[]): string | undefined {
  const ss = text
    .split('\n')
    .filter((line) => addresses.includes(line.split(/\s+/)[3] ?? ''))
    .map((line) => /users:\(\("(?<name>[^"]*)",pid=(?<pid>\d+)/.exec(line)?.groups);
  const lsof = [...text.matchAll(/^p(?<pid>\d+)\nc(?<name>.*)\n(?:f.*\nn(?<address>.*)\n?)+/gm)]
    .map(({ groups }) => groups)
    .filter((groups) => addresses.includes(groups?.address ?? ''));
  const found = [...ss, ...lsof].find((groups) => groups !== undefined);
  return found === undefined ? undefined : `process ${found.name}, pid ${found.pid}`;
}
