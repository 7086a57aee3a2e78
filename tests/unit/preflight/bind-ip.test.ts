import { expect, test } from 'vitest';
import { bindError, bindIp, subnetFindings } from '../../../preflight/bind-ip.ts';
import { runHostCheck, shownFindings } from '../../helpers/findings.ts';
import { testSettings } from '../../helpers/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

test('any address of the loopback network can be bound', async () => {
  expect(await runHostCheck(bindIp, testSettings({ variables: { BIND_IP: '127.83.17.5' } }))).toEqual([]);
  expect(await bindError('127.83.17.5', 0)).toBeUndefined();
});

test('an address of another host cannot', async () => {
  const root = temporaryDir();
  const found = await runHostCheck(bindIp, testSettings({ root, variables: { BIND_IP: '192.0.2.1' } }));
  const shown = shownFindings(found, root)
    .join('\n')
    .replace(/this host has [^)]*/, 'this host has <addresses>');
  expect(shown).toMatchInlineSnapshot(
    `"E_BIND_IP error: <root>/dev/.env BIND_IP: cannot be bound (got 192.0.2.1: EADDRNOTAVAIL; this host has <addresses>). Docker binds each published port to it, and a container without its port does not start. Add it: sudo ip addr add 192.0.2.1/24 dev <interface>; or set BIND_IP to an address of this host."`,
  );
  expect(found[0]?.message).toContain('127.0.0.1');
  expect(await bindError('192.0.2.1', 0)).toBe('EADDRNOTAVAIL');
});

test('a loopback address is a warning on prod alone', async () => {
  const codes = async (env: 'stage' | 'prod', BIND_IP: string) =>
    (await runHostCheck(bindIp, testSettings({ env, variables: { BIND_IP } }))).map(
      ({ code, severity }) => `${code} ${severity}`,
    );
  expect(await codes('prod', '127.83.17.5')).toEqual(['W_LOOPBACK warning']);
  expect(await codes('stage', '127.83.17.5')).toEqual([]);
});

const network = (name: string, subnet: string, gateway: string) => ({
  name,
  labels: {},
  subnets: [subnet],
  gateways: [gateway],
});
const own = network('taxlien-gateway-dev_default', '172.18.0.0/16', '172.18.0.1');
const host = [
  { name: 'eth0', cidr: '10.0.0.10/24', address: '10.0.0.10' },
  { name: 'br-1', cidr: '172.18.0.1/16', address: '172.18.0.1' },
];

test('networks of Docker that do not overlap those of the host are accepted', () => {
  const settings = testSettings({ variables: { BIND_IP: '10.0.0.10' } });
  const others = [own, network('six', 'fd00:1::/64', 'fd00:1::1'), { ...own, name: 'host', subnets: [] }];
  expect(subnetFindings(settings, others, host)).toEqual([]);
});

test('an address of Docker for BIND_IP, and a network that hides one of the host', () => {
  const root = temporaryDir();
  const settings = testSettings({ root, variables: { BIND_IP: '172.19.0.1' } });
  const networks = [own, network('shop_default', '172.19.0.0/16', '172.19.0.1')];
  const vpn = { name: 'tun0', cidr: '172.18.7.9/24', address: '172.18.7.9' };
  expect(shownFindings(subnetFindings(settings, networks, [...host, vpn]), root).join('\n')).toMatchInlineSnapshot(`
    "E_BIND_IP_SUBNET error: <root>/dev/.env BIND_IP: is in a Docker network (got 172.19.0.1, shop_default has 172.19.0.0/16). Docker assigns such addresses to containers, and removes them with the network. Set BIND_IP in <root>/dev/.env to an address of this host that is not in this network (Linux: ip -brief addr; macOS: ifconfig).
    W_SUBNET warning: network taxlien-gateway-dev_default: overlaps a network of this host (got 172.18.0.0/16, tun0 has 172.18.7.9/24). Hosts of that network and the containers may not reach each other. Set "default-address-pools" in the daemon's settings to free addresses (Linux: /etc/docker/daemon.json; macOS: Docker Desktop, Settings, Docker Engine), restart it, and deploy again."
  `);
});
