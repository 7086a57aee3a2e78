import { UserError } from '../../host/errors.ts';
import type { Progress } from '../../host/output.ts';
import { note } from '../../host/output.ts';
import { removeDrafts } from '../../instance/drafts.ts';
import { withInstanceLock } from '../../instance/lock.ts';
import { instanceOf } from '../../settings/instance.ts';
import type { Settings } from '../../settings/load.ts';
import type { Environment } from '../../settings/services.ts';
import { chooseEngine, type Engine } from './engine.ts';
import { type PrepareOptions, prepareAnyStackOn, prepareStackOn } from './prepare.ts';
import { recoverStack } from './recovery.ts';
import type { Stack, StackWithSettings } from './stack.ts';
import { backUpState, restoreState } from './state-files.ts';

/** How a verb that changes the stack goes about it. */
export interface ChangeOptions extends PrepareOptions {
  /** What is done, for those who find the instance locked: `up dev`. */
  readonly what: string;
  /** Whether to wait for another gatewayctl that changes the instance. */
  readonly isWaiting: boolean;
}

/**
 * Prepares a stack and changes it: one gatewayctl at a time, on a state that was repaired and copied before.
 * @throws UserError E_LOCKED, E_STATE_LOCKED
 */
export const changeStack = <T>(
  env: Environment,
  options: ChangeOptions,
  work: (stack: StackWithSettings) => Promise<T>,
): Promise<T> => change(env, options, prepareStackOn, work);

/** The same for work that invalid settings must not stop. */
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
  const { kind, root, docker } = engine;
  if (kind === 'daemon' && !(await docker.isAnswering())) {
    throw new UserError(
      'E_DAEMON',
      `docker: no daemon answers (got ${docker.host}); nothing was changed`,
      `Start it, e.g. sudo systemctl start docker, then run ./gatewayctl ${options.what} again.`,
    );
  }
  const instance = instanceOf(env, root);
  return withInstanceLock(instance, options, async () => {
    const copy = restoreState(instance);
    if (copy !== undefined) note(`recovered: the state was cut off or gone, took ${copy}`);
    const stack = await prepare(engine, env, options.progress);
    for (const line of await recoverStack(stack, stack.settings, options.progress)) note(`recovered: ${line}`);
    removeDrafts(instance);
    backUpState(instance, new Date());
    return work(stack);
  });
}
