import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostStep, hostStepSchema } from '../../components/steps/step.ts';
import { secretServices } from '../../instance/secret-files.ts';
import { containersOf, gatewayctl, inStackShell, makeShell, type Shell, tearDown } from '../helpers/engine.ts';

const project = 'taxlien-gateway-dev';

/** The arguments by which earlier versions declared a step: `node components/host-step.ts <env> <step> <argument>...`. */
function positional(step: HostStep): readonly string[] {
  switch (step.step) {
    case 'host-paths': {
      const generations = secretServices.map((service) => step.secretGenerations[service]);
      return [step.env, step.step, step.imageId, step.hostPathsId, ...generations, ...step.configSources];
    }
    case 'healthy':
      return [step.env, step.step, step.service, step.containerId, `${step.limitSeconds}`];
    case 'data-markers':
      return [step.env, step.step];
    default:
      return [step.env, step.step, step.imageId];
  }
}

interface State {
  readonly checkpoint: {
    readonly latest: { readonly resources: readonly { inputs?: StepArguments; outputs?: StepArguments }[] };
  };
}

interface StepArguments {
  create: string;
  interpreter: readonly string[];
}

/** Writes the steps of a state as an earlier version declared them. @returns how many there are */
function declareAsBefore(file: string): number {
  const state = JSON.parse(readFileSync(file, 'utf8')) as State;
  let count = 0;
  for (const { inputs, outputs } of state.checkpoint.latest.resources) {
    if (inputs?.interpreter?.[1] !== 'components/host-step.ts') continue;
    const args = positional(hostStepSchema.parse(JSON.parse(inputs.create)));
    const before = { create: args.at(-1), interpreter: ['node', 'components/host-step.ts', ...args.slice(0, -1)] };
    Object.assign(inputs, before);
    if (outputs !== undefined) Object.assign(outputs, before);
    count += 1;
  }
  writeFileSync(file, JSON.stringify(state));
  return count;
}

let shell: Shell;

beforeAll(async () => {
  shell = await makeShell('upgrade');
  await gatewayctl(shell, ['up', 'dev']);
});

afterAll(async () => {
  await tearDown(shell, 'dev');
});

test('steps that an earlier version declared run once more, and no container is replaced or restarted', async () => {
  const started = async () =>
    Object.values(await containersOf(project)).map(({ Id, State }) => `${Id} ${State.StartedAt}`);
  const before = await started();
  expect(declareAsBefore(join(shell.root, 'dev/state/.pulumi/stacks/taxlien-gateway/dev.json'))).toBe(9);
  const { stdout } = await gatewayctl(shell, ['up', 'dev']);
  expect(stdout).toMatch(/ 9 updated/);
  expect(stdout).not.toMatch(/\d+ (created|replaced|deleted)/);
  expect(await started()).toEqual(before);
  const preview = await inStackShell(shell, 'dev', ['pulumi', 'preview', '--refresh', '--expect-no-changes']);
  expect(preview.exitCode, preview.stdout + preview.stderr).toBe(0);
});
