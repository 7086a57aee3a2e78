import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../../host/process.ts';
import { sourceOf } from './_source.ts';
import { goVersion } from './golang.ts';
import type { ImageSettings } from './image.ts';
import type { LayerRecipe } from './layers.ts';

const sourceDir = fileURLToPath(new URL('../grafana-stand-in', import.meta.url));

export const grafanaSettings: ImageSettings = {
  User: '472',
  Entrypoint: ['/run.sh'],
  Env: [
    'GF_PATHS_DATA=/var/lib/grafana',
    'GF_PATHS_HOME=/usr/share/grafana',
    'GF_PATHS_LOGS=/var/log/grafana',
    'GF_PATHS_PROVISIONING=/etc/grafana/provisioning',
  ],
  ExposedPorts: { '3000/tcp': {} },
  WorkingDir: '/usr/share/grafana',
};

/** The stand-in server, uid 472 and gid 0, built from the source beside it. */
export async function grafanaLayer(): Promise<LayerRecipe> {
  const sources = readdirSync(sourceDir).filter((name) => !name.endsWith('_test.go'));
  const texts = sources.map((name) => sourceOf(new URL(`../grafana-stand-in/${name}`, import.meta.url)));
  return {
    name: 'grafana',
    inputs: [sourceOf(import.meta.url), await goVersion(), ...texts],
    build: async (root, work) => {
      const provisioning = ['alerting', 'dashboards', 'datasources', 'plugins'].map(
        (name) => `etc/grafana/provisioning/${name}`,
      );
      for (const dir of [...provisioning, 'usr/share/grafana', 'var/lib/grafana', 'var/log/grafana']) {
        mkdirSync(path.join(root, dir), { recursive: true });
      }
      for (const dir of ['var/lib/grafana', 'var/log/grafana']) {
        chownSync(path.join(root, dir), 472, 0);
        chmodSync(path.join(root, dir), 0o775);
      }
      const build = ['go', 'build', '-trimpath', '-ldflags=-s -w', '-o', path.join(root, 'run.sh'), '.'];
      await run(['env', 'CGO_ENABLED=0', 'GOFLAGS=-mod=readonly -buildvcs=false', ...build], {
        cwd: sourceDir,
        onLine: (line) => work.progress.tick(line),
      });
      return 'Grafana stand-in';
    },
  };
}
