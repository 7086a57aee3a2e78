import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Settings } from '../settings/load.ts';
import type { Finding, HostCheck } from './finding.ts';

/** Whether a TCP port can be bound, and if not, the system's code: `EADDRNOTAVAIL`, `EADDRINUSE`, `EACCES`. */
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
    // Node lists only 127.0.0.1 of the loopback network, although all of it can be bound: hence a try, not the list.
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

/** A loopback address on prod is allowed, and rarely meant. */
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
