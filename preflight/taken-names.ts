import { type DaemonFacts, projectOf } from '../docker/daemon-facts.ts';
import { containerName, environmentLabel, networkName, volumeName } from '../docker/names.ts';
import type { Finding } from '../host/errors.ts';
import type { Settings } from '../settings/load.ts';
import { dataVolumes, services } from '../settings/services.ts';
import type { DaemonCheck } from './check.ts';

/** The objects whose names are compared with those of this stack. */
export type NamedObjects = Pick<DaemonFacts, 'containers' | 'networks' | 'volumes'>;

/** No container, network or volume outside this stack has a name that this stack needs. */
export const takenNames: DaemonCheck = {
  name: 'taken-names',
  reads: 'daemon',
  run: ({ settings, daemon }) => nameFindings(settings, daemon),
};

/** Objects that have a name of this stack but not its label. */
export function nameFindings(settings: Settings, objects: NamedObjects): readonly Finding[] {
  const kinds = [
    {
      kind: 'container',
      found: objects.containers,
      wanted: services.map((service) => containerName(settings, service)),
      remove: 'docker rm',
    },
    { kind: 'network', found: objects.networks, wanted: [networkName(settings)], remove: 'docker network rm' },
    {
      kind: 'volume',
      found: objects.volumes,
      wanted: dataVolumes.map((volume) => volumeName(settings, volume)),
      remove: 'docker volume rm',
    },
  ];
  return kinds.flatMap(({ kind, found, wanted, remove }) =>
    found
      .filter(({ name, labels }) => wanted.includes(name) && labels[environmentLabel] !== settings.env)
      .map(({ name, labels }): Finding => {
        const project = projectOf(labels);
        return {
          code: 'E_NAME_TAKEN',
          severity: 'error',
          message: `${kind} ${name}: is not of this stack (got ${project === '' ? 'no project' : `project ${project}`})`,
          why: 'Docker allows each name once, and gatewayctl removes only its own.',
          fix:
            project === settings.project
              ? `./gatewayctl adopt ${settings.env} --dry-run shows how to take over that Compose project with its data; or set COMPOSE_PROJECT_NAME in ${settings.instance.envFile} to another name`
              : `Set COMPOSE_PROJECT_NAME in ${settings.instance.envFile} to another name; or, if it is not needed: ${remove} ${name}`,
        };
      }),
  );
}
