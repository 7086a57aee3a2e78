import * as command from '@pulumi/command';
import * as pulumi from '@pulumi/pulumi';
import type { HostStep } from './steps/step.ts';

/** A step, some of whose values are outputs of other resources. */
type HostStepInput<T extends HostStep = HostStep> = T extends HostStep
  ? { readonly [Key in keyof T]: Key extends 'step' | 'env' ? T[Key] : pulumi.Input<T[Key]> }
  : never;

/** Runs a step on the host: again when `triggers` change, never in a preview, and without secrets in state or logs. */
export function hostCommand(
  name: string,
  step: HostStepInput,
  triggers: readonly pulumi.Input<string>[],
  options: pulumi.CustomResourceOptions,
): command.local.Command {
  return new command.local.Command(
    name,
    {
      interpreter: ['node', 'components/host-step.ts'],
      // The command's text becomes the last argument.
      create: pulumi.jsonStringify(step),
      triggers: [...triggers],
      logging: 'none',
      addPreviousOutputInEnv: false,
    },
    options,
  );
}
