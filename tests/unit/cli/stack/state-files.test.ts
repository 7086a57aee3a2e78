import { mkdirSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backUpState, checkpointFile, restoreState } from '../../../../cli/stack/state-files.ts';
import type { Instance } from '../../../../settings/instance.ts';
import { testInstance } from '../../../helpers/instance.ts';
import { writeFiles } from '../../../helpers/temporary.ts';

const stateOf = (name: string) => JSON.stringify({ version: 3, checkpoint: { stack: name } });

/** Files of an instance, each a second younger than the one before. */
function place(instance: Instance, files: Readonly<Record<string, string>>): void {
  writeFiles(instance.dir, files);
  for (const [index, name] of Object.keys(files).entries()) utimesSync(join(instance.dir, name), index, index);
}

const state = 'state/.pulumi/stacks/taxlien-gateway/dev.json';
const pulumis = 'state/.pulumi/backups/taxlien-gateway/dev/dev.1.json';

test("of 25 good states the last 20 are kept, and the same number of Pulumi's own copies", () => {
  const instance = testInstance();
  writeFiles(instance.dir, { [state]: stateOf('now') });
  const of = (dir: string, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${dir}/${1000 + index}`, '']));
  place(instance, { ...of('state/.pulumi/history/taxlien-gateway/dev', 100) });
  place(instance, { ...of('state/.pulumi/backups/taxlien-gateway/dev', 50) });
  for (let minute = 0; minute < 25; minute += 1) backUpState(instance, new Date(Date.UTC(2026, 0, 1, 0, minute)));
  const names = (dir: string) => readdirSync(join(instance.dir, dir)).sort();
  expect(names('backups/state')).toHaveLength(20);
  expect(names('backups/state')[0]).toBe('2026-01-01T00-05-00.000Z.json');
  expect(names('state/.pulumi/history/taxlien-gateway/dev')).toEqual(
    Array.from({ length: 80 }, (_, i) => `${1020 + i}`),
  );
  expect(names('state/.pulumi/backups/taxlien-gateway/dev')).toEqual(
    Array.from({ length: 40 }, (_, i) => `${1010 + i}`),
  );
});

test('an invalid state is not copied', () => {
  const instance = testInstance();
  writeFiles(instance.dir, { [state]: '{"version":3,"check' });
  backUpState(instance, new Date());
  expect(readdirSync(instance.dir)).not.toContain('backups');
});

describe('a truncated state', () => {
  const cut = { [state]: '{"version":3,"check' };

  test.each<[string, Readonly<Record<string, string>>, string]>([
    [
      "Pulumi's",
      { 'backups/state/a.json': stateOf('ours'), [`${state}.bak`]: stateOf('bak'), [pulumis]: stateOf('it') },
      'it',
    ],
    [
      'the one before',
      { 'backups/state/a.json': stateOf('ours'), [`${state}.bak`]: stateOf('bak'), [pulumis]: '{' },
      'bak',
    ],
    [
      'ours',
      { [`${state}.bak`]: stateOf('bak'), [pulumis]: stateOf('it'), 'backups/state/a.json': stateOf('ours') },
      'ours',
    ],
  ])('is replaced by the newest good copy: %s', (_, copies, taken) => {
    const instance = testInstance();
    place(instance, { ...cut, ...copies });
    expect(restoreState(instance)).toBeDefined();
    expect(readFileSync(checkpointFile(instance), 'utf8')).toBe(stateOf(taken));
  });

  test('is reported if there is no good copy, and stays unchanged', () => {
    const instance = testInstance();
    place(instance, { ...cut, [pulumis]: '' });
    expect(() => restoreState(instance)).toThrow(/is not a valid Pulumi state, and .* has no valid copy/);
    expect(readFileSync(checkpointFile(instance), 'utf8')).toBe(cut[state]);
  });
});

test('a good state stays, and if there never was one there is nothing to restore', () => {
  const instance = testInstance();
  expect(restoreState(instance)).toBeUndefined();
  mkdirSync(join(instance.dir, 'backups/state'), { recursive: true });
  place(instance, { [state]: stateOf('now'), 'backups/state/a.json': stateOf('older') });
  expect(restoreState(instance)).toBeUndefined();
  expect(readFileSync(checkpointFile(instance), 'utf8')).toBe(stateOf('now'));
});
