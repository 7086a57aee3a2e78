import { type DaemonFacts, projectOf } from '../docker/daemon-facts.ts';
import { environmentLabel } from '../docker/names.ts';
import type { Finding } from '../host/finding.ts';
import { isWithin } from '../host/paths.ts';
import type { Settings } from '../settings/load.ts';
import type { DaemonCheck } from './finding.ts';

/** No running container of somebody else mounts a data directory of this instance, itself or by a volume. */
export const dataInUse: DaemonCheck = {
  name: 'data-in-use',
  reads: 'daemon',
  run: ({ settings, daemon }) => useFindings(settings, daemon),
};

/** Containers of others that mount this instance's data; one that mounts all of the host, to watch it, is let be. */
export function useFindings(
  settings: Settings,
  { containers, volumes }: Pick<DaemonFacts, 'containers' | 'volumes'>,
): readonly Finding[] {
  const deviceOf = (mount: string) => volumes.find(({ name }) => name === mount)?.device ?? mount;
  return containers
    .filter(({ isRunning, labels }) => isRunning && labels[environmentLabel] !== settings.env)
    .flatMap(({ name, labels, mounts }) => {
      const path = mounts.map(deviceOf).find((mount) => mount.startsWith('/') && isWithin(mount, settings.dataDir));
      if (path === undefined) return [];
      const project = projectOf(labels);
      return [
        {
          code: 'E_DATA_IN_USE',
          severity: 'error',
          message: `${path}: is mounted by a container of somebody else (got ${name}${project === '' ? '' : ` of project ${project}`})`,
          why: 'Two servers on one data directory destroy it.',
          fix: `Stop it: docker stop ${name}; or set DATA_DIR in ${settings.instance.envFile} to a directory of this instance.`,
        } as const,
      ];
    });
}
