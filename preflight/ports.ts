import { services } from '../settings/instance.ts';
import type { Settings } from '../settings/load.ts';
import { bindError } from './bind-ip.ts';
import { type RunningContainer, runningContainers } from './containers.ts';
import type { Check, Finding } from './finding.ts';

/** Each port on BIND_IP is free, or held by this stack's own container. */
export const ports: Check = {
  name: 'ports',
  reads: 'daemon',
  run: async ({ settings, dockerHost }) => portFindings(settings, await runningContainers(dockerHost)),
};

/** What stands in the way of each port, with these containers running; ports that none of them holds are tried. */
export async function portFindings(
  settings: Settings,
  containers: readonly RunningContainer[],
): Promise<readonly Finding[]> {
  const isIpv6 = settings.bindIp.includes(':');
  const addresses = [settings.bindIp, isIpv6 ? '::' : '0.0.0.0'];
  const holderOf = (port: number) =>
    containers.find(({ published }) => published.some(({ ip, port: held }) => held === port && addresses.includes(ip)));
  const findings: Finding[] = [];
  const owner = new Map<number, string>();
  const published = services.flatMap((service) => [
    ...(settings.isPublished[service] ? [{ service, port: settings.ports[service], isExtra: false }] : []),
    ...settings.overrides[service].ports.map(({ external }) => ({ service, port: external, isExtra: true })),
  ]);
  for (const { service, port, isExtra } of published) {
    const where = `${isIpv6 ? `[${settings.bindIp}]` : settings.bindIp}:${port} (${service})`;
    const { envFile, overrideFile } = settings.instance;
    const place = isExtra ? `change it in ${overrideFile}` : `set ${service.toUpperCase()}_PORT in ${envFile}`;
    const fix = `Free it, or ${place} to another port.`;
    const why = 'The container of this service could not start.';
    const twin = owner.get(port);
    owner.set(port, service);
    const holder = holderOf(port);
    let got: string | undefined;
    if (twin !== undefined) got = `${twin} of this environment has the same port`;
    else if (holder === undefined) got = await bindError(settings.bindIp, port);
    else if (holder.project !== settings.project) {
      got = `container ${holder.name}${holder.project === '' ? '' : ` of project ${holder.project}`}`;
    }
    // An address that is not there is the finding of another check.
    if (got === undefined || got === 'EADDRNOTAVAIL') continue;
    const rule = got === 'EACCES' ? 'this user may not bind it' : 'is taken';
    const holderText = got === 'EADDRINUSE' ? 'a process outside Docker; see it: sudo ss -ltnp' : got;
    findings.push({
      code: 'E_PORT_TAKEN',
      severity: 'error',
      message: `${where}: ${rule} (got ${holderText})`,
      why,
      fix,
    });
  }
  return findings;
}
