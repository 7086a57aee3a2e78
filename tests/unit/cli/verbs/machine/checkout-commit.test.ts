import { beforeEach, expect, test } from 'vitest';
import { detachAt } from '../../../../../cli/verbs/machine/checkout-commit.ts';
import { run } from '../../../../../host/process.ts';
import { temporaryDir, writeFiles } from '../../../../helpers/temporary.ts';

let dir: string;
let older: string;
let newer: string;
let elsewhere: string;

async function git(...args: string[]): Promise<string> {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.org', '-c', 'commit.gpgsign=false'];
  return (await run(['git', ...identity, ...args], { cwd: dir })).stdout.trim();
}

async function commit(text: string): Promise<string> {
  writeFiles(dir, { 'a.txt': text });
  await git('add', 'a.txt');
  await git('commit', '--quiet', '-m', text);
  return git('rev-parse', 'HEAD');
}

beforeEach(async () => {
  dir = temporaryDir();
  await git('init', '--quiet');
  older = await commit('older');
  newer = await commit('newer');
  await git('update-ref', 'refs/remotes/origin/dev', newer);
  elsewhere = await commit('on another branch');
});

const where = () => git('rev-parse', 'HEAD');

test("an older commit of the environment's branch", async () => {
  expect(await detachAt(dir, 'dev', older)).toBe(older);
  expect([await where(), await git('rev-parse', '--abbrev-ref', 'HEAD')]).toEqual([older, 'HEAD']);
});

test('without a commit, the head of that branch', async () => {
  expect(await detachAt(dir, 'dev', '')).toBe(newer);
  expect(await where()).toBe(newer);
});

test.each(['HEAD', 'dev', '--help', '$(id)', '0123abc', `${'0'.repeat(40)}\n`, 'A'.repeat(40)])(
  'refuses %j',
  async (text) => {
    await expect(detachAt(dir, 'dev', text)).rejects.toThrow(
      `a commit has 40 hex digits (got ${JSON.stringify(text)})`,
    );
    expect(await where()).toBe(elsewhere);
  },
);

test('refuses a commit of another branch, and one that does not exist', async () => {
  for (const id of [elsewhere, '0'.repeat(40)]) {
    await expect(detachAt(dir, 'dev', id)).rejects.toThrow(`not on the branch origin/dev (got ${id})`);
  }
  expect(await where()).toBe(elsewhere);
});

test('refuses an environment whose branch was not fetched', async () => {
  await expect(detachAt(dir, 'prod', '')).rejects.toThrow('no branch origin/prod here');
});

test('refuses a checkout with an edited file', async () => {
  writeFiles(dir, { 'a.txt': 'edited' });
  await expect(detachAt(dir, 'dev', older)).rejects.toThrow('tracked files were edited here');
  expect(await where()).toBe(elsewhere);
});
