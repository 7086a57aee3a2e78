import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { eventually } from '../helpers/engine.ts';
import { kill, programBelow, startProgram, treeOf } from '../helpers/killed.ts';
import type { Fault } from './fault.ts';
import { reached } from './phases.ts';

const goesOn = /Then run \.\/gatewayctl up dev/;

export const stops: readonly Fault[] = [
  {
    id: 'F07',
    name: 'SIGTERM to gatewayctl',
    phase: 'while the gateway is built',
    async run(stack) {
      stack.change();
      const up = stack.startUp();
      await reached(up, 'build');
      up.child.kill('SIGTERM');
      expect(await up.ended, up.output()).toBe(1);
      expect(up.output()).toMatch(goesOn);
      return undefined;
    },
  },
  {
    id: 'F08',
    name: 'Ctrl-C on a terminal',
    phase: 'while the gateway is built',
    async run(stack) {
      stack.change();
      const up = startProgram(stack.shell, ['script', '-qefc', 'exec "$GATEWAYCTL" up dev', '/dev/null']);
      await reached(up, 'build');
      up.child.stdin?.write('\x03');
      expect(await up.ended, up.output()).toBe(1);
      expect(up.output()).toMatch(goesOn);
      return undefined;
    },
  },
  {
    id: 'F09',
    name: "a runner's cancel: SIGINT to the shell, after 7.5 s SIGTERM, after 2.5 s SIGKILL of the tree",
    phase: 'from the begin of an up',
    async run(stack) {
      stack.change();
      const shell = startProgram(stack.shell, ['bash', '-e', '-c', '"$GATEWAYCTL" up dev; echo not cancelled']);
      await eventually('gatewayctl runs', 10_000, async () => treeOf(shell.child.pid ?? 0).length > 1 || undefined);
      shell.child.kill('SIGINT');
      await sleep(7_500);
      const tree = treeOf(shell.child.pid ?? 0);
      expect(programBelow(shell.child.pid ?? 0, 'pulumi'), shell.output()).toBeDefined();
      shell.child.kill('SIGTERM');
      await sleep(2_500);
      kill([...new Set(tree.flatMap(treeOf))]);
      await shell.ended;
      expect(shell.output()).not.toContain('not cancelled');
      return undefined;
    },
  },
];
