import { expect, test } from 'vitest';
import { type ServiceStatus, shownTag, statusTable } from '../../../docker/status.ts';

test('the table of what runs where', () => {
  const row = { env: 'dev', container: 'taxlien-gateway-dev-x' };
  const rows: readonly ServiceStatus[] = [
    { ...row, service: 'gateway', image: 'p/gateway:dev-0123456789ab', address: '127.0.10.1:8081', health: 'healthy' },
    { ...row, service: 'db', image: 'p/db:dev', address: '[::1]:5432', health: 'starting' },
    { ...row, service: 'redis', image: '-', address: '', health: 'missing' },
  ];
  expect(`\n${statusTable(rows)}\n`).toMatchInlineSnapshot(`
    "
    ENV  SERVICE  IMAGE                       ADDRESS          HEALTH
    dev  gateway  p/gateway:dev-0123456789ab  127.0.10.1:8081  healthy
    dev  db       p/db:dev                    [::1]:5432       starting
    dev  redis    -                                            missing
    "
  `);
});

test.each([
  [['p/gateway:dev', 'p/gateway:dev-build-1234', 'p/gateway:dev-0123456789ab'], 'p/gateway:dev-0123456789ab'],
  [['p/gateway:dev-build-1234', 'p/gateway:dev'], 'p/gateway:dev'],
  [['other/gateway:stage'], 'other/gateway:stage'],
  [[], '-'],
])('of the tags %j the most informative one', (tags, wanted) => {
  expect(shownTag(tags, 'p/gateway:dev')).toBe(wanted);
});
