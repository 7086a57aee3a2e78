import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { kill, programBelow, type Started, treeOf } from '../helpers/killed.ts';
import type { Fault } from './fault.ts';
import type { LiveStack } from './live-stack.ts';
import { momentsFor, seed } from './random.ts';

const killsEach = 4;

interface Victim {
  readonly name: string;
  /** Program below `gatewayctl`; `node` is `gatewayctl` itself, which then cannot print anything. */
  readonly program: string;
  /** What the killed run prints. */
  readonly says: RegExp;
  /** Whether its work is over before `up` ends, so that a late kill does no harm. */
  readonly isDoneBefore: boolean;
}

const continuesLine = /Then run \.\/gatewayctl up dev/;

const victims: readonly Victim[] = [
  {
    name: 'pulumi',
    program: 'pulumi',
    says: /up dev: pulumi was killed before it finished.*\nRun \.\/gatewayctl up dev: it repairs what was left, and continues\./,
    isDoneBefore: false,
  },
  { name: 'the language host', program: 'pulumi-language-nodejs', says: continuesLine, isDoneBefore: true },
  { name: 'the docker plugin', program: 'pulumi-resource-docker', says: continuesLine, isDoneBefore: true },
  { name: 'the command plugin', program: 'pulumi-resource-command', says: continuesLine, isDoneBefore: true },
  { name: 'node, which runs gatewayctl', program: 'node', says: /^/, isDoneBefore: false },
];

/** Kills of one process of a deploy, each at another moment, each followed by an `up` that recovers. */
export const kills: readonly Fault[] = victims.map(({ name, program, says, isDoneBefore }, index) => {
  const moments = momentsFor(program, killsEach);
  return {
    id: `F0${index + 1}`,
    name: `SIGKILL of ${name}, ${killsEach} times`,
    phase: `at ${moments.join(', ')} % of an up (seed ${seed})`,
    async run(stack) {
      for (const percent of moments) {
        const { exitCode, text } = await upKilledAt(stack, (percent / 100) * stack.upMs, (up) => victimOf(up, program));
        if (exitCode !== 0) expect(text).toMatch(says);
        else expect(isDoneBefore, text).toBe(true);
        const next = await stack.up();
        expect(next.exitCode, `after the kill at ${percent} %:\n${next.text}`).toBe(0);
      }
      return undefined;
    },
  };
});

/** An `up` of a change, killed at a moment; tried again earlier if it was already over. */
async function upKilledAt(stack: LiveStack, atMs: number, victimsOf: (up: Started) => Promise<readonly number[]>) {
  for (let ms = atMs; ; ms /= 2) {
    stack.change();
    const up = stack.startUp();
    await sleep(ms);
    const pids = await victimsOf(up);
    if (pids.length > 0 && up.isRunning()) {
      kill(pids);
      return { exitCode: await up.ended, text: up.output() };
    }
    await up.ended;
  }
}

/** Waits for the process to start; none if the `up` ended before. */
async function victimOf({ child, isRunning }: Started, program: string): Promise<readonly number[]> {
  while (isRunning()) {
    const pid = program === 'node' ? child.pid : programBelow(child.pid ?? 0, program);
    if (pid !== undefined) return [pid];
    await sleep(20);
  }
  return [];
}

const inARow = momentsFor('in a row', 10);

export const killsInARow: Fault = {
  id: 'F06',
  name: 'SIGKILL of a whole deploy, ten times in a row',
  phase: `at ${inARow.join(', ')} % of an up (seed ${seed})`,
  async run(stack) {
    for (const percent of inARow) {
      const wholeTree = async ({ child }: Started) => treeOf(child.pid ?? 0);
      const { exitCode, text } = await upKilledAt(stack, (percent / 100) * stack.upMs, wholeTree);
      expect(exitCode, text).toBe(null);
    }
    return undefined;
  },
};
