import { expect, test } from 'vitest';
import { versionFindings } from '../../../preflight/daemon.ts';
import { nameFindings } from '../../../preflight/taken-names.ts';
import { shownFindings } from '../../helpers/findings.ts';
import { testSettings } from '../../helpers/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

test('a daemon that is new enough is well on both architectures', () => {
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

test('names of this stack that others hold', () => {
  const root = temporaryDir();
  const own = 'com.docker.compose.project=taxlien-gateway-dev,taxlien-gateway.environment=dev';
  const found = nameFindings(testSettings({ root }), [
    { kind: 'container', name: 'taxlien-gateway-dev-db', labels: own },
    { kind: 'network', name: 'taxlien-gateway-dev_default', labels: own },
    { kind: 'container', name: 'taxlien-gateway-dev_default', labels: '' },
    { kind: 'container', name: 'taxlien-gateway-dev-redis', labels: '' },
    { kind: 'network', name: 'taxlien-gateway-dev_default', labels: 'com.docker.compose.project=shop,a=b' },
  ]);
  expect(shownFindings(found, root).join('\n')).toMatchInlineSnapshot(`
    "E_NAME_TAKEN error: container taxlien-gateway-dev-redis: is not of this stack (got no project). Docker allows each name once, and what others made is never removed. Set COMPOSE_PROJECT_NAME in <root>/dev/.env to another name; or, if nobody needs it: docker rm taxlien-gateway-dev-redis
    E_NAME_TAKEN error: network taxlien-gateway-dev_default: is not of this stack (got project shop). Docker allows each name once, and what others made is never removed. Set COMPOSE_PROJECT_NAME in <root>/dev/.env to another name; or, if nobody needs it: docker network rm taxlien-gateway-dev_default"
  `);
});
