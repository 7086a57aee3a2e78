import { BlockList, createServer, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { FoundNetwork } from '../docker/daemon-facts.ts';
import { networkName } from '../docker/names.ts';
import type { Finding } from '../host/errors.ts';
import type { Settings } from '../settings/load.ts';
import type { DaemonCheck, HostCheck } from './check.ts';

/** `undefined` if a TCP port can be bound, else the system's code: `EADDRNOTAVAIL`, `EADDRINUSE`, `EACCES`. */
export function bindError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** BIND_IP is an address of this host, tried by binding a free port on it. */
export const bindIp: HostCheck = {
  name: 'bind-ip',
  reads: 'host',
  async run({ settings }) {
    const code = await bindError(settings.bindIp, 0);
    if (code === undefined) return loopbackFindings(settings);
    // Node lists only 127.0.0.1 of the loopback network, although all of it can be bound: so the address is tried.
    const known = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .map(({ address }) => address);
    const add =
      process.platform === 'darwin'
        ? `sudo ifconfig lo0 alias ${settings.bindIp}`
        : `sudo ip addr add ${settings.bindIp}/${settings.bindIp.includes(':') ? '64' : '24'} dev <interface>`;
    return [
      {
        code: 'E_BIND_IP',
        severity: 'error',
        message: `${settings.instance.envFile} BIND_IP: cannot be bound (got ${settings.bindIp}: ${code}; this host has ${known.join(', ')})`,
        why: 'Docker binds each published port to it, and a container without its port does not start.',
        fix: `Add it: ${add}; or set BIND_IP to an address of this host.`,
      },
    ];
  },
};

/** A loopback address on prod is allowed, but rarely intended. */
function loopbackFindings({ env, bindIp, instance }: Settings): readonly Finding[] {
  if (env !== 'prod' || !(bindIp.startsWith('127.') || bindIp === '::1')) return [];
  return [
    {
      code: 'W_LOOPBACK',
      severity: 'warning',
      message: `${instance.envFile} BIND_IP: is a loopback address on prod (got ${bindIp})`,
      why: 'Workers on other hosts cannot reach it.',
      fix: `Set BIND_IP in ${instance.envFile} to an address of this host that they can reach; leave it if a proxy on this host serves them.`,
    },
  ];
}

/** BIND_IP is in no Docker network, and this stack's network overlaps no network of the host. */
export const subnets: DaemonCheck = {
  name: 'subnets',
  reads: 'daemon',
  run({ settings, daemon }) {
    const own = Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
      (addresses ?? []).flatMap(({ cidr, address }) => (cidr === null ? [] : [{ name, cidr, address }])),
    );
    return subnetFindings(settings, daemon.networks, own);
  },
};

/** An address of this host: interface, `10.0.0.10/24` and `10.0.0.10`. */
export interface HostAddress {
  readonly name: string;
  readonly cidr: string;
  readonly address: string;
}

/** Conflicts between Docker's networks and those of the host. */
export function subnetFindings(
  settings: Settings,
  networks: readonly FoundNetwork[],
  hostAddresses: readonly HostAddress[],
): readonly Finding[] {
  const findings: Finding[] = [];
  for (const { name, subnets: all } of networks) {
    const subnet = all.find((cidr) => isInSubnet(settings.bindIp, cidr));
    if (subnet === undefined) continue;
    findings.push({
      code: 'E_BIND_IP_SUBNET',
      severity: 'error',
      message: `${settings.instance.envFile} BIND_IP: is in a Docker network (got ${settings.bindIp}, ${name} has ${subnet})`,
      why: 'Docker assigns such addresses to containers, and removes them with the network.',
      fix: `Set BIND_IP in ${settings.instance.envFile} to an address of this host that is not in this network (Linux: ip -brief addr; macOS: ifconfig).`,
    });
  }
  const gateways = new Set(networks.flatMap((network) => network.gateways));
  for (const subnet of networks.find(({ name }) => name === networkName(settings))?.subnets ?? []) {
    const twin = hostAddresses.find(({ cidr, address }) => !gateways.has(address) && overlap(cidr, subnet));
    if (twin === undefined) continue;
    findings.push({
      code: 'W_SUBNET',
      severity: 'warning',
      message: `network ${networkName(settings)}: overlaps a network of this host (got ${subnet}, ${twin.name} has ${twin.cidr})`,
      why: 'Hosts of that network and the containers may not reach each other.',
      fix: 'Set "default-address-pools" in the daemon\'s settings to free addresses (Linux: /etc/docker/daemon.json; macOS: Docker Desktop, Settings, Docker Engine), restart it, and deploy again.',
    });
  }
  return findings;
}

const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');

function isInSubnet(address: string, cidr: string): boolean {
  const [base = '', prefix = ''] = cidr.split('/');
  const list = new BlockList();
  list.addSubnet(base, Number(prefix), familyOf(base));
  return familyOf(base) === familyOf(address) && list.check(address, familyOf(address));
}

/** Of two overlapping blocks of addresses, one contains the other's first address. */
const overlap = (a: string, b: string) => isInSubnet(a.split('/')[0] ?? '', b) || isInSubnet(b.split('/')[0] ?? '', a);
