import { expect, test } from 'vitest';
import { useFindings } from '../../../preflight/data-in-use.ts';
import { shownFindings } from '../../helpers/findings.ts';
import { testSettings } from '../../helpers/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

const container = (name: string, mount: string, labels: Readonly<Record<string, string>> = {}, isRunning = true) => ({
  name,
  isRunning,
  isRestarting: false,
  labels,
  published: [],
  mounts: [mount],
});

test('containers of others that mount data of this instance, by path or by volume', () => {
  const root = temporaryDir();
  const settings = testSettings({ root, variables: { DATA_DIR: '/srv/data' } });
  const found = useFindings(settings, {
    containers: [
      container('own', '/srv/data/raw', { 'taxlien-gateway.environment': 'dev' }),
      container('watcher', '/'),
      container('neighbour', '/srv/data-2'),
      container('stopped', '/srv/data/raw', {}, false),
      container('copy', '/srv/data/raw', { 'com.docker.compose.project': 'shop' }),
      container('by-volume', 'shop_pg'),
    ],
    volumes: [{ name: 'shop_pg', labels: {}, device: '/srv/data/postgres' }],
  });
  expect(shownFindings(found, root).join('\n')).toMatchInlineSnapshot(`
    "E_DATA_IN_USE error: /srv/data/raw: is mounted by a container of somebody else (got copy of project shop). Two servers on one data directory destroy it. Stop it: docker stop copy; or set DATA_DIR in <root>/dev/.env to a directory of this instance.
    E_DATA_IN_USE error: /srv/data/postgres: is mounted by a container of somebody else (got by-volume). Two servers on one data directory destroy it. Stop it: docker stop by-volume; or set DATA_DIR in <root>/dev/.env to a directory of this instance."
  `);
});
