import type { Settings } from '../settings/load.ts';
import { environmentLabel } from './names.ts';

/** Something that the door sees: a directory of the host or a volume, read-only unless said otherwise. */
export interface DoorMount {
  readonly type: 'bind' | 'volume';
  /** Path on the host, or name of the volume. */
  readonly source: string;
  /** Path in the container. */
  readonly target: string;
  readonly isWritable?: boolean;
}

export interface DoorOptions {
  /** What it is for; a label, and with it the name by which a killed run's container is found. */
  readonly step: 'owned-paths' | 'copy';
  /** Image of the stack; its own entrypoint does not run. */
  readonly image: string;
  readonly mounts: readonly DoorMount[];
  readonly workdir: string;
  /** Program and arguments, never a shell's. */
  readonly argv: readonly [program: string, ...args: string[]];
  readonly memoryMiB?: number;
  readonly isInteractive?: boolean;
  readonly name?: string;
}

/**
 * `docker` command line of a short-lived container that may give files to other users and do nothing else: the one way
 * to data and secrets that belong to containers' users.
 */
export function doorCommand(settings: Settings, options: DoorOptions): readonly string[] {
  const [program, ...args] = options.argv;
  return [
    ...['docker', 'run', '--rm', ...(options.isInteractive === true ? ['--interactive'] : []), '--log-driver', 'none'],
    ...(options.name === undefined ? [] : ['--name', options.name]),
    ...['--label', `${environmentLabel}=${settings.env}`, '--label', `taxlien-gateway.step=${options.step}`],
    ...['--network', 'none', '--read-only', '--memory', `${options.memoryMiB ?? 128}m`],
    ...['--pids-limit', '16', '--no-healthcheck', '--security-opt', 'no-new-privileges', '--cap-drop', 'ALL'],
    ...['--cap-add', 'CHOWN', '--cap-add', 'DAC_OVERRIDE', '--cap-add', 'FOWNER'],
    ...['--user', '0:0', '--workdir', options.workdir, '--entrypoint', program],
    ...options.mounts.flatMap(({ type, source, target, isWritable }) => [
      '--mount',
      `type=${type},source=${source},target=${target}${isWritable === true ? '' : ',readonly'}`,
    ]),
    ...[options.image, ...args],
  ];
}
