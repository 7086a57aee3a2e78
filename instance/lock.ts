import { userInfo } from 'node:os';
import { withLock } from '../host/lock.ts';
import type { Progress } from '../host/output.ts';
import type { Instance } from '../settings/instance.ts';

export interface InstanceLockOptions {
  /** What is done under it, as shown to other processes: `up dev`. */
  readonly what: string;
  readonly progress: Progress;
  /** Whether to wait up to one hour for a live holder instead of failing at once. */
  readonly isWaiting: boolean;
}

/**
 * Runs `work` while no other gatewayctl changes this instance. The lock of a process that is gone is taken over.
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
    // The user has no entry in the password file.
    return `uid ${process.getuid?.()}`;
  }
}
