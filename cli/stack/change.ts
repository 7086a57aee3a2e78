import { UserError } from '../../host/errors.ts';
import type { Progress } from '../../host/output.ts';
import { note } from '../../host/output.ts';
import { removeDrafts } from '../../instance/drafts.ts';
import { withInstanceLock } from '../../instance/lock.ts';
import type { Settings } from '../../settings/load.ts';
import type { Environment } from '../../settings/services.ts';
import { chooseEngine, type Engine } from './engine.ts';
import { ensureInstance, type PrepareOptions, prepareAnyStackOn, prepareStackOn } from './prepare.ts';
import { recoverStack } from './recovery.ts';
import type { Stack, StackWithSettings } from './stack.ts';
import { backUpState, restoreState } from './state-files.ts';

/** Options of a verb that changes the stack. */
export interface ChangeOptions extends PrepareOptions {
  /** The command, as others see it while the instance is locked: `up dev`. */
  readonly what: string;
  /** Wait for another gatewayctl that changes the instance. */
  readonly isWaiting: boolean;
}

/**
 * Locks the instance, prepares the stack, repairs and backs up its state, then runs `work`.
 * @throws UserError E_NO_INSTANCE, E_LOCKED, E_STATE_LOCKED
 */
export const changeStack = <T>(
  env: Environment,
  options: ChangeOptions,
  work: (stack: StackWithSettings) => Promise<T>,
): Promise<T> => change(env, options, prepareStackOn, work);

/** The same, also with invalid settings. */
export const changeAnyStack = <T>(
  env: Environment,
  options: ChangeOptions,
  work: (stack: Stack) => Promise<T>,
): Promise<T> => change(env, options, prepareAnyStackOn, work);

async function change<S extends StackWithSettings<Settings | undefined>, T>(
  env: Environment,
  options: ChangeOptions,
  prepare: (engine: Engine, env: Environment, progress: Progress) => Promise<S>,
  work: (stack: S) => Promise<T>,
): Promise<T> {
  const engine = await chooseEngine(env, options.isSandboxAsked);
  const { kind, docker } = engine;
  if (kind === 'daemon' && !(await docker.isAnswering())) {
    throw new UserError(
      'E_DAEMON',
      `docker: no daemon answers (got ${docker.host}); nothing was changed`,
      `Start it, e.g. sudo systemctl start docker, then run ./gatewayctl ${options.what} again.`,
    );
  }
  // Before the lock, which would create the directory too.
  const instance = ensureInstance(engine, env);
  return withInstanceLock(instance, options, async () => {
    const copy = restoreState(instance);
    if (copy !== undefined) note(`recovered: the state was missing or truncated; restored ${copy}`);
    const stack = await prepare(engine, env, options.progress);
    for (const line of await recoverStack(stack, stack.settings, options.progress)) note(`recovered: ${line}`);
    removeDrafts(instance);
    backUpState(instance, new Date());
    return work(stack);
  });
}
