import { expect, test } from 'vitest';
import { outputsTable } from '../../../../cli/deploy/deploy.ts';

test('the outputs for a person', () => {
  const text = outputsTable({
    commit: '0123456789ab',
    network: 'p_default',
    urls: { gateway: 'http://127.0.10.1:8081', db: 'postgresql://127.0.10.1:5432' },
    volumes: { postgres: { name: 'p_postgres', hostPath: '/srv/data/postgres' } },
  });
  expect(`\n${text}\n`).toMatchInlineSnapshot(`
    "
    OUTPUT            VALUE
    commit            0123456789ab
    network           p_default
    urls.gateway      http://127.0.10.1:8081
    urls.db           postgresql://127.0.10.1:5432
    volumes.postgres  p_postgres at /srv/data/postgres
    "
  `);
});
