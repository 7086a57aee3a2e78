import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../host/process.ts';
import { workTree } from '../helpers/engine.ts';

/** From the ground up: code may import from its own folder and from floors below its own. */
const floors: readonly (readonly string[])[] = [
  ['host'],
  ['settings'],
  ['instance', 'docker'],
  ['bootstrap'],
  ['components', 'preflight'],
  ['index.ts', 'cli/stack'],
  ['cli/deploy'],
  ['cli/data', 'cli/reports', 'cli/unattended', 'cli/testing'],
  ['cli/verbs'],
  ['cli/main.ts'],
];

interface Import {
  readonly from: string;
  readonly to: string;
}

/** The folder (or file of its own floor) that a path belongs to. */
const placeOf = (path: string) =>
  floors.flat().find((place) => path === place || path.startsWith(`${place}/`)) ?? `no floor: ${path}`;

const floorOf = (place: string) => floors.findIndex((places) => places.includes(place));

/** Imports that point upward, or sideways into another folder of the same floor. */
const wrongWay = (imports: readonly Import[]): readonly string[] =>
  imports
    .filter(({ from, to }) => {
      const [own, other] = [placeOf(from), placeOf(to)];
      return own !== other && floorOf(other) >= floorOf(own);
    })
    .map(({ from, to }) => `${from} imports ${to}`);

const importPattern = /(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']+)'/g;

async function readImports(): Promise<readonly Import[]> {
  const listed = await run([
    'git',
    '-C',
    workTree,
    'ls-files',
    '-z',
    '--cached',
    '--others',
    '--exclude-standard',
    '--',
    '*.ts',
    ':!tests',
    ':!*.config.ts',
  ]);
  return listed.stdout
    .split('\0')
    .filter((path) => path !== '')
    .flatMap((from) =>
      [...readFileSync(join(workTree, from), 'utf8').matchAll(importPattern)].map(([, specifier]) => ({
        from,
        to: normalize(join(dirname(from), specifier as string)),
      })),
    );
}

test('every import points down, and every file has a floor', async () => {
  const imports = await readImports();
  expect(imports.length).toBeGreaterThan(500);
  expect(wrongWay(imports)).toEqual([]);
});

test('an upward and a sideways import are named', () => {
  expect(
    wrongWay([
      { from: 'host/git.ts', to: 'settings/load.ts' },
      { from: 'docker/names.ts', to: 'instance/drafts.ts' },
      { from: 'docker/names.ts', to: 'docker/host.ts' },
      { from: 'cli/main.ts', to: 'host/errors.ts' },
    ]),
  ).toEqual(['host/git.ts imports settings/load.ts', 'docker/names.ts imports instance/drafts.ts']);
});
