import { expect } from 'vitest';
import { gatewayctl } from '../helpers/engine.ts';
import { killTree } from '../helpers/killed.ts';
import { addAddress, cutPower, removeAddress, startEngine, stopEngine } from './engine-control.ts';
import type { Fault } from './fault.ts';
import { bindIp } from './live-stack.ts';
import { type Phase, reached } from './phases.ts';

const phases: Readonly<Record<Phase, string>> = {
  begin: 'as pulumi begins',
  build: 'while the gateway is built',
  prove: 'while the new gateway is proven',
  swap: 'while the gateway is swapped',
  wait: 'while the new gateway is waited for',
};

const restartIds: Readonly<Record<Phase, string>> = {
  begin: 'F39',
  build: 'F11',
  prove: 'F12',
  swap: 'F13',
  wait: 'F14',
};

const restarts = (Object.keys(phases) as Phase[]).map(
  (phase): Fault => ({
    id: restartIds[phase],
    name: 'the engine is stopped and started again; once more if the doctor requires it',
    phase: phases[phase],
    async run(stack) {
      stack.change();
      const up = stack.startUp();
      await reached(up, phase);
      await stopEngine();
      await startEngine();
      // The last wait may outlast a restart.
      if ((await up.ended) !== 0) expect(up.output()).toMatch(/Then run \.\/gatewayctl up dev/);
      else expect(phase).toBe('wait');
      // Docker 20.10 may start with a port counted as taken that no container has, and never free it.
      const { stdout } = await gatewayctl(stack.shell, ['doctor', 'dev'], 'any');
      if (!stdout.includes('sudo systemctl restart docker')) return undefined;
      stack.notes.push('the engine was started a second time, as the doctor required');
      await stopEngine();
      await startEngine();
      return undefined;
    },
  }),
);

export const engineFaults: readonly Fault[] = [
  {
    id: 'F10',
    name: 'the engine is stopped, an up is tried, and it is started again',
    phase: 'between two deploys',
    async run(stack) {
      await stopEngine();
      stack.change();
      const { exitCode, text } = await stack.up();
      await startEngine();
      expect(exitCode).toBe(1);
      expect(text).toMatch(/docker: no daemon answers \(got unix:\S+\); nothing was changed\nStart it/);
      return undefined;
    },
  },
  ...restarts,
  {
    id: 'F15',
    name: 'a power cut, and the host boots',
    phase: 'between two deploys',
    async run() {
      await cutPower();
      await addAddress(bindIp);
      await startEngine();
      return undefined;
    },
  },
  {
    id: 'F16',
    name: 'a power cut, and the host boots',
    phase: phases.swap,
    async run(stack) {
      stack.change();
      const up = stack.startUp();
      await reached(up, 'swap');
      killTree(up.child.pid ?? 0);
      await cutPower();
      await up.ended;
      await addAddress(bindIp);
      await startEngine();
      return /recovered: removed the lock of a dead process/;
    },
  },
  {
    id: 'F17',
    name: 'BIND_IP is missing after a boot, and is added later',
    phase: 'between two deploys',
    async run(stack) {
      await cutPower();
      await startEngine();
      const { exitCode, text } = await stack.up();
      await addAddress(bindIp);
      expect(exitCode).toBe(1);
      expect(text).toMatch(
        new RegExp(
          `E_BIND_IP {2}\\S+ BIND_IP: cannot be bound \\(got ${bindIp}: EADDRNOTAVAIL; this host has [^)]+\\)`,
        ),
      );
      expect(text).toContain(`Add it: sudo ip addr add ${bindIp}/24`);
      return undefined;
    },
  },
  {
    id: 'F18',
    name: 'BIND_IP is removed and added again',
    phase: phases.build,
    async run(stack) {
      stack.change();
      const up = stack.startUp();
      await reached(up, 'build');
      await removeAddress();
      expect(await up.ended).toBe(1);
      await addAddress(bindIp);
      expect(up.output()).toMatch(/cannot assign requested address/);
      expect(up.output()).toMatch(/Then run \.\/gatewayctl up dev/);
      return undefined;
    },
  },
];
