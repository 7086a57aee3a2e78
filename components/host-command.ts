import * as command from '@pulumi/command';
import type * as pulumi from '@pulumi/pulumi';
import type { Settings } from '../settings/load.ts';

/** A step on the host: run again when `triggers` change, never in a preview, and without a trace of secrets. */
export function hostStep(
  name: string,
  settings: Settings,
  args: readonly pulumi.Input<string>[],
  triggers: readonly pulumi.Input<string>[],
  options: pulumi.CustomResourceOptions,
): command.local.Command {
  return new command.local.Command(
    name,
    {
      // The command's text becomes the last argument.
      interpreter: ['node', 'components/host-step.ts', settings.env, ...args.slice(0, -1)],
      create: args.at(-1) ?? '',
      triggers: [...triggers],
      logging: 'none',
      addPreviousOutputInEnv: false,
    },
    options,
  );
}
