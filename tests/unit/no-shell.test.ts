import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../host/process.ts';
import { workTree } from '../helpers/engine.ts';

const listed = await run(['git', '-C', workTree, 'ls-files', '-z', '--', '*.ts', ':!tests']);
const sources = listed.stdout
  .split('\0')
  .filter((path) => path !== '')
  .map((path) => ({ path, text: readFileSync(join(workTree, path), 'utf8') }));
const holding = (pattern: RegExp) => sources.filter(({ text }) => pattern.test(text)).map(({ path }) => path);

test('processes are started in one place, from argument lists', () => {
  expect(sources.length).toBeGreaterThan(80);
  expect(holding(/child_process/)).toEqual(['host/process.ts']);
  expect(sources.find(({ path }) => path === 'host/process.ts')?.text).not.toContain('shell:');
});

test('the daemon is asked in one place; besides that, docker reads its context, asks a registry and tags', () => {
  expect(holding(/\['docker', '/)).toEqual([
    'components/local-image.ts',
    'docker/client.ts',
    'docker/host.ts',
    'docker/images/registry.ts',
  ]);
});

test('a script for a shell is fixed text that contains no setting', () => {
  const scripts = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/'(?:sh', '-c|CMD-SHELL)',\s*(.*)/g)].map(([, script]) => `${path}: ${script}`),
  );
  expect(scripts).toEqual([
    `cli/deploy/psql.ts: 'IFS= read -r PGPASSWORD && export PGPASSWORD && exec "$@"', 'sh'],`,
    `components/services/redis.ts: 'REDISCLI_AUTH="$(cat /run/secrets/redis_password)" redis-cli ping | grep -qx PONG'],`,
  ]);
});
