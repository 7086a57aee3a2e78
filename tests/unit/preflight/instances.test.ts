import { expect, test } from 'vitest';
import { isWithin } from '../../../host/paths.ts';
import { instances } from '../../../preflight/instances.ts';
import { runHostCheck, shownFindings } from '../../helpers/findings.ts';
import { envText, testInstance, testSettings, type Variables } from '../../helpers/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

async function findBeside(stage: Variables, dev: Variables = {}): Promise<string> {
  const root = temporaryDir();
  testInstance({ env: 'stage', root, text: envText(stage) });
  return shownFindings(await runHostCheck(instances, testSettings({ root, variables: dev })), root).join('\n');
}

test('an environment with an address of its own is accepted, and so is one with invalid settings', async () => {
  expect(await findBeside({ BIND_IP: '127.0.10.2' })).toBe('');
  expect(await findBeside({ BIND_IP: '0.0.0.0' })).toBe('');
});

test('the address, name and data of another environment', async () => {
  const closed = { DB_PUBLISH: 'false', REDIS_PUBLISH: 'false', PROMETHEUS_PORT: '9091', GRAFANA_PORT: '3001' };
  const found = await Promise.all([
    findBeside(closed),
    findBeside({ BIND_IP: '127.0.10.2', COMPOSE_PROJECT_NAME: 'taxlien-gateway-dev' }),
    findBeside({ BIND_IP: '127.0.10.2', DATA_DIR: '/srv/data/stage' }, { DATA_DIR: '/srv/data' }),
  ]);
  expect(found.join('\n')).toMatchInlineSnapshot(`
    "E_ADDRESS_SHARED error: <root>/dev/.env BIND_IP: gateway has the address of gateway of stage (got 127.0.10.1 and port 8081, as in <root>/stage/.env). Only one of the two can run at a time. Set BIND_IP in <root>/dev/.env to a value of its own.
    E_PROJECT_SHARED error: <root>/dev/.env COMPOSE_PROJECT_NAME: is also the name of stage (got taxlien-gateway-dev, as in <root>/stage/.env). Containers, network and volumes of both would have the same names. Set COMPOSE_PROJECT_NAME in <root>/dev/.env to a value of its own.
    E_DATA_SHARED error: <root>/dev/.env DATA_DIR: overlaps the data of stage (got /srv/data, as in <root>/stage/.env). Two servers on one data directory destroy it. Set DATA_DIR in <root>/dev/.env to a value of its own."
  `);
});

test.each([
  ['/a/b', '/a', true],
  ['/a', '/a', true],
  ['/a/..b', '/a', true],
  ['/ab', '/a', false],
  ['/', '/a', false],
])('%s in %s: %s', (path, directory, expected) => expect(isWithin(path, directory)).toBe(expected));
