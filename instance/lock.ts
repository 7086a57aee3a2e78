import { userInfo } from 'node:os';
import { withLock } from '../host/lock.ts';
import type { Progress } from '../host/output.ts';
import type { Instance } from '../settings/instance.ts';

export interface InstanceLockOptions {
  /** What is done under it, for those who find it held: `up dev`. */
  readonly what: string;
  readonly progress: Progress;
  /** Whether to wait for a living holder, for an hour at most, instead of refusing at once. */
  readonly isWaiting: boolean;
}

/**
 * Runs `work` while no other gatewayctl changes this instance. A lock of a process that is gone is taken over.
 * @throws UserError E_LOCKED with who holds it, for what, since when
 */
export function withInstanceLock<T>(
  instance: Instance,
  { what, progress, isWaiting }: InstanceLockOptions,
  work: () => Promise<T>,
): Promise<T> {
  const options = { describe: `${what} by ${userName()}`, progress, ...(isWaiting ? {} : { timeoutMs: 0 }) };
  return withLock(instance.lockFile, options, work);
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the password file.
    return `uid ${process.getuid?.()}`;
  }
}
