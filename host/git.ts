import { dirname } from 'node:path';
import { run } from './process.ts';

/** Root of the checkout that this program runs from. */
export const checkoutDir = dirname(import.meta.dirname);

/** The commit that a checkout is at. */
export interface Source {
  /** 12 digits of the commit, or `none` outside a git work tree. */
  readonly commit: string;
  /** Whether tracked files differ from the commit or there are untracked ones. */
  readonly isDirty: boolean;
}

/** Reads the commit of a checkout; a directory without git counts as dirty. */
export async function readSource(checkoutDir: string): Promise<Source> {
  // safe.directory: a runner's checkout may belong to another user.
  const git = (...args: string[]) =>
    run(['git', '-c', `safe.directory=${checkoutDir}`, '-C', checkoutDir, ...args], { allowedExitCodes: [0, 128] });
  const [head, status] = await Promise.all([
    git('rev-parse', '--short=12', 'HEAD'),
    git('--no-optional-locks', 'status', '--porcelain', '--untracked-files=normal'),
  ]);
  if (head.exitCode !== 0 || status.exitCode !== 0) return { commit: 'none', isDirty: true };
  return { commit: head.stdout.trim(), isDirty: status.stdout.trim() !== '' };
}
