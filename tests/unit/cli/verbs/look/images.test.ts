import { expect, test } from 'vitest';
import { imagesText } from '../../../../../cli/verbs/look/images.ts';
import { pinsOf } from '../../../../../docker/images/pins.ts';
import { workTree } from '../../../../helpers/engine.ts';
import { gatewayctl } from '../../../../helpers/gatewayctl.ts';
import { stubProgram } from '../../../../helpers/stub-program.ts';
import { temporaryDir } from '../../../../helpers/temporary.ts';

const pins = pinsOf(workTree);
const references = pins.map(({ reference }) => reference);

test('lists each pin with source and date of its tag, without a request', async () => {
  stubProgram('docker', 'exit 70');
  const { exitCode, stdout, stderr } = await gatewayctl(temporaryDir(), 'images');
  expect([exitCode, stderr]).toEqual([0, '']);
  const [header, ...rows] = stdout.trimEnd().split('\n');
  expect(header).toMatch(/^SERVICE +IMAGE +READ ON +SOURCE$/);
  expect(rows.map((row) => row.split(/ {2,}/)[1])).toEqual(references);
  for (const row of rows) expect(row).toMatch(/ \d{4}-\d\d-\d\d {2}\S/);
});

test('--check: exit 1 if the registry lacks one, 0 if no registry answers', async () => {
  const lacking = references[1];
  stubProgram('docker', `case "$*" in *${lacking}) echo 'manifest unknown' >&2; exit 1;; esac`);
  const home = temporaryDir();
  const checked = await gatewayctl(home, 'images', '--check');
  expect(checked.exitCode).toBe(1);
  const lines = checked.stdout.split('\n').filter((line) => line.includes('LACKS IT'));
  expect(lines).toEqual([expect.stringContaining(`${lacking} `)]);
  const json = await gatewayctl(home, 'images', '--check', '--json');
  const rows = JSON.parse(json.stdout) as { reference: string; registry: string; source: string; readOn: string }[];
  expect(json.exitCode).toBe(1);
  expect(rows.map(({ reference, registry }) => [reference, registry])).toEqual(
    references.map((reference) => [reference, reference === lacking ? 'lacks' : 'has']),
  );

  stubProgram(
    'docker',
    `echo 'error pinging v2 registry: Get "https://registry-1.docker.io/v2/": dial tcp' >&2; exit 1`,
  );
  const unanswered = await gatewayctl(home, 'images', '--check');
  expect([unanswered.exitCode, unanswered.stdout.trimEnd().split('\n').at(-1)]).toEqual([
    0,
    'no registry answers: nothing was checked',
  ]);
});

test('a pin without a record, and a registry that answers for some', () => {
  const file = 'docker/images/upstream-images.json';
  const text = imagesText([
    { service: 'redis', file, reference: 'redis:7.4.7-alpine3.23', registry: 'lacks' },
    { service: 'db', file, reference: 'db.example.org/postgres:16', registry: 'none' },
  ]);
  expect(text).toMatchInlineSnapshot(`
    "SERVICE  IMAGE                       REGISTRY   READ ON  SOURCE
    redis    redis:7.4.7-alpine3.23      LACKS IT   -        not recorded
    db       db.example.org/postgres:16  no answer  -        not recorded"
  `);
});
