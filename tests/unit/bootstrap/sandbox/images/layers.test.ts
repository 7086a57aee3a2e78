import { expect, test, vi } from 'vitest';
import { buildLayer, cachedLayer, type LayerRecipe } from '../../../../../bootstrap/sandbox/images/layers.ts';
import { run } from '../../../../../host/process.ts';
import { temporaryDir, writeFiles } from '../../../../helpers/temporary.ts';

const noProgress = { step() {}, tick() {}, done() {} };
const workIn = (dir: string) => ({
  dir,
  progress: noProgress,
  debianRoot: () => Promise.reject(new Error('not requested')),
});

function recipe(inputs: string[], content: string): LayerRecipe {
  const build = vi.fn(async (root: string) => {
    writeFiles(root, { 'etc/file': content });
    return `content ${content}`;
  });
  return { name: 'layer', inputs, build };
}

test('a layer is built once, is the same whenever it is built, and changes with its inputs', async () => {
  const [first, second] = [temporaryDir(), temporaryDir()];
  expect(cachedLayer(first, recipe(['1'], 'a'))).toBeUndefined();
  const built = await buildLayer(first, recipe(['1'], 'a'), workIn(temporaryDir()));
  expect(cachedLayer(first, recipe(['1'], 'a'))).toEqual(built);
  expect((await run(['tar', '--list', '--file', built.file])).stdout).toBe('./\n./etc/\n./etc/file\n');
  const again = await buildLayer(second, recipe(['1'], 'a'), workIn(temporaryDir()));
  expect(again.diffId).toBe(built.diffId);
  expect(cachedLayer(first, recipe(['2'], 'a'))).toBeUndefined();
  expect((await buildLayer(first, recipe(['2'], 'b'), workIn(temporaryDir()))).diffId).not.toBe(built.diffId);
});

test("the user's umask does not affect a layer, and is restored", async () => {
  const before = process.umask(0o077);
  try {
    const built = await buildLayer(temporaryDir(), recipe(['1'], 'a'), workIn(temporaryDir()));
    const modes = (await run(['tar', '--list', '--verbose', '--file', built.file])).stdout.match(/^\S+/gm);
    expect(modes).toEqual(['drwxr-xr-x', 'drwxr-xr-x', '-rw-r--r--']);
    expect(process.umask(0o077)).toBe(0o077);
  } finally {
    process.umask(before);
  }
});

test('a build that fails leaves nothing in the cache', async () => {
  const dir = temporaryDir();
  const failing = { ...recipe(['1'], 'a'), build: () => Promise.reject(new Error('no such package')) };
  await expect(buildLayer(dir, failing, workIn(temporaryDir()))).rejects.toThrow('no such package');
  expect(cachedLayer(dir, failing)).toBeUndefined();
});
