import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { containersOf, docker, eventually } from '../helpers/engine.ts';
import { kill } from '../helpers/killed.ts';
import { startEngine, stopEngine } from './engine-control.ts';
import type { Fault } from './fault.ts';
import { project } from './live-stack.ts';

const between = 'between two deploys';
const names = ['db', 'gateway', 'grafana', 'prometheus', 'redis'].map((service) => `${project}-${service}`);

async function imageOf(service: string): Promise<string> {
  const id = (await containersOf(project))[service]?.Image;
  if (id === undefined) throw new Error(`no container of ${service}`);
  return id;
}

const tagsOf = async (id: string) =>
  JSON.parse(await docker('image', 'inspect', '--format', '{{json .RepoTags}}', id)) as readonly string[];

/** Manual changes with a docker client. */
export const byHand: readonly Fault[] = [
  {
    id: 'F19',
    name: 'the main process of each of the five containers is killed',
    phase: between,
    async run() {
      const before = await containersOf(project);
      kill(Object.values(before).map(({ State }) => State.Pid));
      await eventually('each is back by itself', 120_000, async () => {
        const after = await containersOf(project);
        const isBack = (service: string) =>
          after[service]?.State.Health.Status === 'healthy' &&
          after[service].State.StartedAt !== before[service]?.State.StartedAt;
        return Object.keys(before).every(isBack) || undefined;
      });
      return undefined;
    },
  },
  {
    id: 'F20',
    name: 'gateway and database are paused',
    phase: between,
    async run() {
      await docker('pause', `${project}-gateway`, `${project}-db`);
      return /recovered: unpaused 2 containers/;
    },
  },
  {
    id: 'F21',
    name: 'all five containers are stopped',
    phase: between,
    async run() {
      await docker('stop', ...names);
      return undefined;
    },
  },
  {
    id: 'F22',
    name: 'gateway and database are removed',
    phase: between,
    async run() {
      await docker('rm', '--force', `${project}-gateway`, `${project}-db`);
      return undefined;
    },
  },
  {
    id: 'F23',
    name: "the database's volume is removed, with its container",
    phase: between,
    async run() {
      await docker('rm', '--force', `${project}-db`);
      const remove = () => docker('volume', 'rm', `${project}_postgres`);
      // Docker 20.10 counts the mounts of a start that failed for good: only a restart forgets them.
      await remove().catch(async () => {
        await stopEngine();
        await startEngine();
        await remove();
      });
      return undefined;
    },
  },
  {
    id: 'F24',
    name: 'the network is removed under the containers',
    phase: between,
    async run() {
      for (const name of names) await docker('network', 'disconnect', '--force', `${project}_default`, name);
      await docker('network', 'rm', `${project}_default`);
      return /recovered: removed 5 containers that were disconnected from their network/;
    },
  },
  {
    id: 'F25',
    name: "the gateway's image and container are removed",
    phase: between,
    async run() {
      const id = await imageOf('gateway');
      await docker('rm', '--force', `${project}-gateway`);
      await docker('image', 'rm', '--force', id);
      return undefined;
    },
  },
  {
    id: 'F26',
    name: "Redis' image is removed while no registry answers",
    phase: between,
    async run(stack) {
      const id = await imageOf('redis');
      const tags = await tagsOf(id);
      await docker('image', 'rm', '--force', ...tags);
      const { exitCode, text } = await stack.up();
      for (const tag of tags) await docker('tag', id, tag);
      expect(exitCode).toBe(1);
      expect(text).toMatch(/redis:\S+/);
      expect(text).toMatch(/dial tcp|no such host|network is unreachable|server misbehaving/);
      return undefined;
    },
  },
  {
    id: 'F27',
    name: 'the secret files are removed',
    phase: between,
    async run(stack) {
      rmSync(join(stack.instanceDir, 'secrets/gateway'), { recursive: true });
      await docker('restart', `${project}-gateway`).catch(() => {});
      return undefined;
    },
  },
];
