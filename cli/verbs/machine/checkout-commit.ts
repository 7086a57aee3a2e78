import { UserError } from '../../../host/errors.ts';
import { checkoutDir } from '../../../host/git.ts';
import { print } from '../../../host/output.ts';
import { run } from '../../../host/process.ts';
import { parseEnvironment } from '../../../settings/instance.ts';
import type { Environment } from '../../../settings/services.ts';
import type { Verb } from '../verb.ts';

export const checkoutCommit: Verb = {
  usage: '<env> [<commit>]',
  summary: "in a workflow: check out a commit of the environment's branch",
  details:
    'Detaches at the commit (40 hex digits), which must be on the branch origin/<env>; without one, at the head of that branch. Refuses if a tracked file was edited.',
  words: [1, 2],
  async run({ words: [env, commit] }) {
    print(await detachAt(checkoutDir, parseEnvironment(env), commit ?? ''));
    return 0;
  },
};

/**
 * Detaches a work tree at `commit`, or at the head of the environment's branch if it is empty.
 * @returns the commit
 * @throws UserError E_COMMIT; the work tree is then unchanged
 */
export async function detachAt(dir: string, env: Environment, commit: string): Promise<string> {
  const git = (...args: string[]) => run(['git', ...args], { cwd: dir, allowedExitCodes: 'any' });
  const refuse = (what: string, fix: string) => new UserError('E_COMMIT', `checkout-commit ${env}: ${what}`, fix);
  if (commit !== '' && !/^[0-9a-f]{40}$/.test(commit)) {
    throw refuse(`a commit has 40 hex digits (got ${JSON.stringify(commit)})`, 'Give the full id: git rev-parse HEAD.');
  }
  const branch = `refs/remotes/origin/${env}`;
  const head = await git('rev-parse', '--verify', '--quiet', `${branch}^{commit}`);
  if (head.exitCode !== 0) {
    throw refuse(`no branch origin/${env} here`, `Push ${env}, then fetch the full history: git fetch origin.`);
  }
  const wanted = commit === '' ? head.stdout.trim() : commit;
  // `merge-base` also fails for an unknown commit; one message covers both.
  if ((await git('merge-base', '--is-ancestor', wanted, branch)).exitCode !== 0) {
    throw refuse(`not on the branch origin/${env} (got ${wanted})`, `Choose one of: git log origin/${env}.`);
  }
  if ((await git('status', '--porcelain', '--untracked-files=no')).stdout !== '') {
    throw refuse('tracked files were edited here', 'Commit or undo them: git status.');
  }
  const { exitCode, stderr } = await git('checkout', '--quiet', '--detach', wanted);
  if (exitCode !== 0)
    throw refuse(`git cannot check it out (got ${stderr.trim()})`, 'Fix that, then run the same command again.');
  return wanted;
}
