import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hostPathsId, writeHostPathsId } from '../../../settings/host-paths.ts';
import { testInstance } from '../../helpers/instance.ts';
import { writeFiles } from '../../helpers/temporary.ts';

test('the id stays while all paths are there, and is a new one when one is gone or none was ever made', () => {
  const instance = testInstance();
  writeFiles(instance.dir, { 'data/raw/x': '', 'data/redis/x': '' });
  const paths = ['raw', 'redis'].map((name) => join(instance.dataDir, name));
  const first = hostPathsId(instance, paths);
  expect(hostPathsId(instance, paths)).not.toBe(first);
  writeHostPathsId(instance, first);
  expect(hostPathsId(instance, paths)).toBe(first);
  rmSync(join(instance.dataDir, 'redis'), { recursive: true });
  expect(hostPathsId(instance, paths)).not.toBe(first);
});

test('a directory of secrets that others can look into was not made by a deploy', () => {
  const instance = testInstance();
  const dir = join(instance.secretsDir, 'gateway');
  mkdirSync(dir, { recursive: true, mode: 0o500 });
  writeHostPathsId(instance, 'made');
  expect(hostPathsId(instance, [dir])).toBe('made');
  chmodSync(dir, 0o755);
  expect(hostPathsId(instance, [dir])).not.toBe('made');
});
