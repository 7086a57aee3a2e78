import { describe, expect, test } from 'vitest';
import { readSource } from '../../../host/git.ts';
import { run } from '../../../host/process.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

async function makeRepository(): Promise<{ readonly dir: string; readonly commit: string }> {
  const dir = temporaryDir();
  writeFiles(dir, { 'a.txt': 'a', '.gitignore': 'ignored\n' });
  const git = (...args: string[]) =>
    run(['git', '-C', dir, '-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args]);
  await git('init', '--quiet');
  await git('add', '.');
  await git('commit', '--quiet', '--message', 'first');
  const { stdout } = await git('rev-parse', 'HEAD');
  return { dir, commit: stdout.trim() };
}

describe('the commit of a checkout', () => {
  test('clean, also with ignored files', async () => {
    const { dir, commit } = await makeRepository();
    writeFiles(dir, { ignored: '' });
    expect(await readSource(dir)).toEqual({ commit: commit.slice(0, 12), isDirty: false });
  });

  test.each([
    ['a changed file', 'a.txt'],
    ['a new file', 'b.txt'],
  ])('dirty with %s', async (_, name) => {
    const { dir, commit } = await makeRepository();
    writeFiles(dir, { [name]: 'b' });
    expect(await readSource(dir)).toEqual({ commit: commit.slice(0, 12), isDirty: true });
  });

  test('none outside a work tree, which counts as dirty', async () => {
    expect(await readSource(temporaryDir())).toEqual({ commit: 'none', isDirty: true });
  });
});
