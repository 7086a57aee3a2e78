import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Labels } from '../../../docker/daemon-facts.ts';
import { builtPluginApi, daemon, pluginFindings, versionFindings } from '../../../preflight/daemon.ts';
import { nameFindings } from '../../../preflight/taken-names.ts';
import { workTree } from '../../helpers/engine.ts';
import { emptyDaemon, shownFindings } from '../../helpers/findings.ts';
import { cleanSource, testSettings } from '../../helpers/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

test('a daemon that is new enough is accepted on both architectures', () => {
  expect(versionFindings('unix:///d.sock', 'amd64', '1.41')).toEqual([]);
  expect(versionFindings('unix:///d.sock', 'arm64', '1.52')).toEqual([]);
});

test('an old daemon, and one of another architecture', () => {
  const found = [
    ...versionFindings('unix:///d.sock', 'amd64', '1.40'),
    ...versionFindings('unix:///d.sock', 's390x', '1.52'),
  ];
  expect(shownFindings(found, '/root').join('\n')).toMatchInlineSnapshot(`
    "E_DAEMON_API error: docker at unix:///d.sock: is too old (got API 1.40, needs 1.41, Docker 20.10). The deploy uses what older daemons do not have. Update it. Linux: sudo apt-get install --only-upgrade docker-ce; macOS: brew upgrade --cask docker.
    E_DAEMON_ARCH error: docker at unix:///d.sock: runs on another architecture than amd64 and arm64 (got s390x). The images of the five services are made for those two only. Use another host."
  `);
});

test('a daemon that requires a newer API than that of the docker plugin', () => {
  const host = 'unix:///d.sock';
  const found = ['1.24', '1.44', '', '1.45', '2.0'].map((minApiVersion) =>
    pluginFindings({ host, minApiVersion }, builtPluginApi),
  );
  expect(found.map((findings) => findings.length)).toEqual([0, 0, 0, 1, 1]);
  expect(pluginFindings({ host, minApiVersion: '1.45' }, undefined)).toEqual([]);
  expect(shownFindings(found.flat().slice(0, 1), '/root').join('\n')).toMatchInlineSnapshot(
    `"E_DAEMON_API_PLUGIN error: docker at unix:///d.sock: is too new for the docker plugin that was built here (got API 1.45 at least, the plugin speaks 1.44). The daemon would refuse every request of the deploy. Install the official plugin: pulumi plugin install resource docker 5.2.0, then ./gatewayctl toolchain --renew."`,
  );
});

test('the API version of the built plugin is that of its source', () => {
  const shim = readFileSync(join(workTree, 'bootstrap/toolchain/resource-docker/shim/shim.go'), 'utf8');
  expect(/newestAPI = "(.*)"/.exec(shim)?.[1]).toBe(builtPluginApi);
});

test('names of this stack that other projects use', () => {
  const root = temporaryDir();
  const own = { 'taxlien-gateway.environment': 'dev' };
  const shop = { 'com.docker.compose.project': 'shop', a: 'b' };
  const container = (name: string, labels: Labels) => ({
    name,
    labels,
    isRunning: true,
    isRestarting: false,
    published: [],
    mounts: [],
  });
  const network = (name: string, labels: Labels) => ({ name, labels, subnets: [], gateways: [] });
  const found = nameFindings(testSettings({ root }), {
    containers: [
      container('taxlien-gateway-dev-db', own),
      container('taxlien-gateway-dev_default', {}),
      container('taxlien-gateway-dev-redis', {}),
    ],
    networks: [network('taxlien-gateway-dev_default', own), network('taxlien-gateway-dev_default', shop)],
    volumes: [
      { name: 'taxlien-gateway-dev_raw', labels: own },
      { name: 'taxlien-gateway-dev_postgres', labels: shop },
      { name: 'taxlien-gateway-dev_redis', labels: { 'com.docker.compose.project': 'taxlien-gateway-dev' } },
    ],
  });
  expect(shownFindings(found, root).join('\n')).toMatchInlineSnapshot(`
    "E_NAME_TAKEN error: container taxlien-gateway-dev-redis: is not of this stack (got no project). Docker allows each name once, and gatewayctl removes only its own. Set COMPOSE_PROJECT_NAME in <root>/dev/.env to another name; or, if it is not needed: docker rm taxlien-gateway-dev-redis
    E_NAME_TAKEN error: network taxlien-gateway-dev_default: is not of this stack (got project shop). Docker allows each name once, and gatewayctl removes only its own. Set COMPOSE_PROJECT_NAME in <root>/dev/.env to another name; or, if it is not needed: docker network rm taxlien-gateway-dev_default
    E_NAME_TAKEN error: volume taxlien-gateway-dev_postgres: is not of this stack (got project shop). Docker allows each name once, and gatewayctl removes only its own. Set COMPOSE_PROJECT_NAME in <root>/dev/.env to another name; or, if it is not needed: docker volume rm taxlien-gateway-dev_postgres
    E_NAME_TAKEN error: volume taxlien-gateway-dev_redis: is not of this stack (got project taxlien-gateway-dev). Docker allows each name once, and gatewayctl removes only its own. ./gatewayctl adopt dev --dry-run shows how to take over that Compose project with its data; or set COMPOSE_PROJECT_NAME in <root>/dev/.env to another name"
  `);
});

test('a storage driver that copies whole images is a warning', async () => {
  const context = { settings: testSettings(), source: cleanSource, neighbours: [] };
  const found = await Promise.all(
    ['overlay2', 'overlayfs', 'vfs'].map((storageDriver) =>
      daemon.run({ ...context, daemon: { ...emptyDaemon, storageDriver } }),
    ),
  );
  expect(found.map((findings) => findings.map(({ code }) => code))).toEqual([[], [], ['W_STORAGE_DRIVER']]);
});
