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

async function listFiles(...patterns: readonly string[]): Promise<readonly string[]> {
  const options = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...patterns];
  const { stdout } = await run(['git', '-C', workTree, ...options]);
  return stdout.split('\0').filter((path) => path !== '');
}

async function readImports(): Promise<readonly Import[]> {
  const files = await listFiles('*.ts', ':!tests', ':!*.config.ts');
  return files.flatMap((from) =>
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

test('no folder of code has more than 13 files, and no file more than 300 lines', async () => {
  const files = await listFiles('*.ts', '*.json', '*.go', '*.sh', ':!tests', ':!internal', ':!monitoring');
  const folders = Map.groupBy(files, (path) => dirname(path));
  const large = [...folders]
    .filter(([folder, inside]) => folder !== '.' && inside.length > 13)
    .map(([folder]) => folder);
  const long = files.filter(
    (path) => !path.endsWith('.json') && readFileSync(join(workTree, path), 'utf8').split('\n').length > 301,
  );
  expect([large, long]).toEqual([[], []]);
});
