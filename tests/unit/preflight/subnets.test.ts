import { expect, test } from 'vitest';
import { subnetFindings } from '../../../preflight/subnets.ts';
import { shownFindings } from '../../helpers/findings.ts';
import { testSettings } from '../../helpers/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

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

test('networks of Docker beside those of the host are well', () => {
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
    "E_BIND_IP_SUBNET error: <root>/dev/.env BIND_IP: lies in a network of Docker (got 172.19.0.1, shop_default has 172.19.0.0/16). Docker gives such addresses to containers, and takes them away with the network. Set BIND_IP in <root>/dev/.env to an address of this host (Linux: ip -brief addr; macOS: ifconfig) outside of it.
    W_SUBNET warning: network taxlien-gateway-dev_default: overlaps a network of this host (got 172.18.0.0/16, tun0 has 172.18.7.9/24). Hosts of that network cannot reach the containers, or these not them. Set "default-address-pools" in the daemon's settings to free addresses (Linux: /etc/docker/daemon.json; macOS: Docker Desktop, Settings, Docker Engine), restart it, and deploy anew."
  `);
});
