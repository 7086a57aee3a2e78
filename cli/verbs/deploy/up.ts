import { existsSync } from 'node:fs';
import { builtPluginLine, presentToolchain } from '../../../bootstrap/toolchain/toolchain.ts';
import { UserError } from '../../../host/errors.ts';
import { note } from '../../../host/output.ts';
import { breakingMigrationAllowed } from '../../../settings/deploy-flags.ts';
import { instanceOf, parseEnvironment, userDirs } from '../../../settings/instance.ts';
import { deployStack } from '../../deploy/deploy.ts';
import { beginRecord, isRecorded } from '../../deploy/record.ts';
import { findEngine } from '../../stack/engine.ts';
import { changingVerb } from '../stack-verb.ts';
import type { Invocation, Verb } from '../verb.ts';

const details =
  'Installs what it needs. Changes nothing if nothing changed; repairs what was changed by hand. On a machine without a Docker daemon, dev (or, with --sandbox, any environment that was never deployed here) runs in the sandbox. The result is in logs/last-deploy.json of the instance.';

const deploy = changingVerb(
  'up',
  { summary: 'deploy, and show what runs where', details },
  async (prepared, { options, progress }) => {
    const isBreakingAllowed = options['allow-breaking-migration'] === true;
    const stack = isBreakingAllowed
      ? { ...prepared, exports: { ...prepared.exports, ...breakingMigrationAllowed } }
      : prepared;
    noteBuiltPlugin();
    return deployStack(stack, progress, runOf(options));
  },
);

function noteBuiltPlugin(): void {
  const toolchain = presentToolchain(userDirs().cacheDir);
  const line = toolchain === undefined ? undefined : builtPluginLine(toolchain);
  if (line !== undefined) note(line);
}

const runOf = ({ run }: Invocation['options']) => (typeof run === 'string' ? run : '');

/** Records an error that occurred before the stack was prepared, if the instance exists. */
async function recordRefusal(invocation: Invocation, error: UserError): Promise<void> {
  const env = parseEnvironment(invocation.words[0]);
  const instance = instanceOf(env, (await findEngine(env)).root);
  // The record belongs to the deploy that holds the lock.
  const isOthers = error.code === 'E_LOCKED' || error.code === 'E_STATE_LOCKED';
  if (isOthers || isRecorded(error) || !existsSync(instance.envFile)) return;
  const recording = await beginRecord(instance, runOf(invocation.options));
  recording.failedBy('prepare the deploy', error);
  recording.end([], []);
}

export const up: Verb = {
  ...deploy,
  usage: `${deploy.usage} [--allow-breaking-migration] [--run <id>]`,
  options: { ...deploy.options, 'allow-breaking-migration': { type: 'boolean' }, run: { type: 'string' } },
  optionHelp: {
    'allow-breaking-migration': 'apply migrations that break the running gateway',
    run: 'id of this deploy for ./gatewayctl summary --run',
  },
  async run(invocation) {
    try {
      return await deploy.run(invocation);
    } catch (error) {
      // A record that cannot be written must not hide the error itself; a failure of the same cause says nothing new.
      if (error instanceof UserError) {
        await recordRefusal(invocation, error).catch((failure: Error) => {
          if (failure.message !== error.message) note(failure.message);
        });
      }
      throw error;
    }
  },
};
