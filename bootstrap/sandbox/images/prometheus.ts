import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from '../../../host/process.ts';
import { sourceOf } from './_source.ts';
import { copyPrograms, debianInputs, upstreamVersion } from './debian.ts';
import type { ImageSettings } from './image.ts';
import type { LayerRecipe } from './layers.ts';

export const prometheusSettings: ImageSettings = {
  User: 'nobody',
  Entrypoint: ['/bin/prometheus'],
  Cmd: ['--config.file=/etc/prometheus/prometheus.yml', '--storage.tsdb.path=/prometheus'],
  ExposedPorts: { '9090/tcp': {} },
  Volumes: { '/prometheus': {} },
  WorkingDir: '/prometheus',
};

const defaultConfig = `scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ['localhost:9090']
`;

/** Debian's Prometheus and promtool with their web pages, uid 65534. */
export function prometheusLayer(): LayerRecipe {
  return {
    name: 'prometheus',
    inputs: [sourceOf(import.meta.url), ...debianInputs()],
    build: async (root, work) => {
      const debian = await work.debianRoot();
      await copyPrograms(debian, ['prometheus', 'promtool'], root);
      for (const dir of ['etc/prometheus', 'prometheus', 'usr/share'])
        mkdirSync(path.join(root, dir), { recursive: true });
      const share = path.join(root, 'usr/share/prometheus');
      await run(['cp', '--recursive', '--dereference', '--', path.join(debian, 'usr/share/prometheus'), share]);
      // 200 MB behind a link that no page uses.
      rmSync(path.join(share, 'web/static/moment-timezone/data'), { recursive: true, force: true });
      writeFileSync(path.join(root, 'etc/prometheus/prometheus.yml'), defaultConfig);
      for (const dir of ['etc/prometheus', 'prometheus']) chownSync(path.join(root, dir), 65534, 65534);
      return `Prometheus ${upstreamVersion(debian, 'prometheus')}`;
    },
  };
}
