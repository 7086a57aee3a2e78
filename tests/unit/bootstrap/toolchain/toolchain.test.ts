import { expect, test } from 'vitest';
import { type Unit, units } from '../../../../bootstrap/toolchain/parts.ts';
import type { Way } from '../../../../bootstrap/toolchain/sources.ts';
import { bring } from '../../../../bootstrap/toolchain/toolchain.ts';

const [engine] = units as readonly [Unit];
const progress = { step: () => {}, tick: () => {}, done: () => {} };
const not = (name: string, asked: string[]): Way => ({
  name,
  isTold: true,
  attempt: async () => {
    asked.push(name);
    return { problem: `no ${name}` };
  },
});
const has = (name: string, asked: string[]): Way => ({
  name,
  isTold: true,
  attempt: async (unit) => {
    asked.push(name);
    return { parts: unit.parts.map(({ build }) => ({ version: build.version, origin: 'built', source: name })) };
  },
});

test('stops at the first way that leads there', async () => {
  const asked: string[] = [];
  const ways = [not('installed', asked), has('official release', asked), has('Go build', asked)];
  expect(await bring(engine, ways, progress)).toEqual({
    pulumi: { version: '3.259.0', origin: 'built', source: 'official release', problems: ['installed: no installed'] },
    'language-nodejs': {
      version: '3.68.0',
      origin: 'built',
      source: 'official release',
      problems: ['installed: no installed'],
    },
  });
  expect(asked).toEqual(['installed', 'official release']);
});

test('tells all problems where no way leads there', async () => {
  const asked: string[] = [];
  const ways = [not('installed', asked), not('official release', asked), not('Go build', asked)];
  await expect(bring(engine, ways, progress)).rejects.toMatchObject({
    code: 'E_TOOLCHAIN',
    message:
      'pulumi 3.259.0: cannot be brought\n' +
      '  installed: no installed\n  official release: no official release\n  Go build: no Go build',
  });
  expect(asked).toEqual(['installed', 'official release', 'Go build']);
});
