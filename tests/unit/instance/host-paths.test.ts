import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hostPathsId, writeHostPathsId } from '../../../instance/host-paths.ts';
import { testInstance } from '../../helpers/instance.ts';
import { writeFiles } from '../../helpers/temporary.ts';

test('the id stays while all paths exist, and is new if one is missing or there was no id', () => {
  const instance = testInstance();
  writeFiles(instance.dir, { 'data/raw/x': '', 'data/redis/x': '' });
  const paths = ['raw', 'redis'].map((name) => join(instance.defaultDataDir, name));
  const first = hostPathsId(instance, paths);
  expect(hostPathsId(instance, paths)).not.toBe(first);
  writeHostPathsId(instance, first);
  expect(hostPathsId(instance, paths)).toBe(first);
  rmSync(join(instance.defaultDataDir, 'redis'), { recursive: true });
  expect(hostPathsId(instance, paths)).not.toBe(first);
});
