import { chownSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { installEntrypoint, sourceOf } from './_source.ts';
import { copyPrograms, debianInputs, upstreamVersion } from './debian.ts';
import type { ImageSettings } from './image.ts';
import type { LayerRecipe } from './layers.ts';

const entrypoint = new URL('redis-entrypoint.sh', import.meta.url);
const programs = ['redis-server', 'redis-cli', 'redis-benchmark', 'redis-check-aof', 'redis-check-rdb'];

export const redisSettings: ImageSettings = {
  Entrypoint: ['docker-entrypoint.sh'],
  Cmd: ['redis-server'],
  ExposedPorts: { '6379/tcp': {} },
  Volumes: { '/data': {} },
  WorkingDir: '/data',
};

/** Debian's Redis, uid 999 and gid 1000. */
export function redisLayer(): LayerRecipe {
  return {
    name: 'redis',
    inputs: [sourceOf(import.meta.url), sourceOf(entrypoint), ...debianInputs()],
    build: async (root, work) => {
      const debian = await work.debianRoot();
      await copyPrograms(debian, programs, root);
      mkdirSync(path.join(root, 'data'));
      chownSync(path.join(root, 'data'), 999, 1000);
      installEntrypoint(entrypoint, root);
      return `Redis ${upstreamVersion(debian, 'redis-server')}`;
    },
  };
}
