import { run } from '../cli/process.ts';
import { services } from '../settings/instance.ts';
import type { Settings } from '../settings/load.ts';
import { containerName, environmentLabel, networkName } from '../settings/names.ts';
import type { Check, Finding } from './finding.ts';

/** A container or network of the daemon, with its labels as Docker lists them. */
export interface NamedObject {
  readonly kind: 'container' | 'network';
  readonly name: string;
  readonly labels: string;
}

/** No container or network of somebody else has a name that this stack needs. */
export const takenNames: Check = {
  name: 'taken-names',
  reads: 'daemon',
  async run({ settings, dockerHost }) {
    const list = async (kind: NamedObject['kind'], name: string, ...args: readonly string[]) => {
      const format = `{{.${name}}}\t{{.Labels}}`;
      const { stdout } = await run(['docker', '--host', dockerHost, ...args, '--no-trunc', '--format', format], {
        timeoutMs: 10_000,
      });
      return stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line): NamedObject => {
          const [found = '', labels = ''] = line.split('\t');
          return { kind, name: found, labels };
        });
    };
    const [containers, networks] = await Promise.all([
      list('container', 'Names', 'ps', '--all'),
      list('network', 'Name', 'network', 'ls'),
    ]);
    return nameFindings(settings, [...containers, ...networks]);
  },
};

/** Objects with a name of this stack that its own label does not mark as made by it. */
export function nameFindings(settings: Settings, objects: readonly NamedObject[]): readonly Finding[] {
  const wanted = {
    container: services.map((service) => containerName(settings, service)),
    network: [networkName(settings)],
  };
  return objects
    .filter(({ kind, name }) => wanted[kind].includes(name))
    .filter(({ labels }) => !labels.split(',').includes(`${environmentLabel}=${settings.env}`))
    .map(({ kind, name, labels }) => {
      const project = /(?:^|,)com\.docker\.compose\.project=([^,]*)/.exec(labels)?.[1];
      return {
        code: 'E_NAME_TAKEN',
        severity: 'error',
        message: `${kind} ${name}: is not of this stack (got ${project === undefined ? 'no project' : `project ${project}`})`,
        why: 'Docker allows each name once, and what others made is never removed.',
        fix: `Set COMPOSE_PROJECT_NAME in ${settings.instance.envFile} to another name; or, if nobody needs it: docker ${kind === 'container' ? 'rm' : 'network rm'} ${name}`,
      };
    });
}
