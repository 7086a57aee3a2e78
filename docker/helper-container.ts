import type { Settings } from '../settings/load.ts';
import { environmentLabel } from './names.ts';

/** A mount of a helper container: a directory of the host or a volume. */
export interface HelperMount {
  readonly type: 'bind' | 'volume';
  /** Path on the host, or name of the volume. */
  readonly source: string;
  /** Path in the container. */
  readonly target: string;
  /** Default: read-only. */
  readonly isWritable?: boolean;
}

export interface HelperOptions {
  /** Its purpose, as a label by which a killed run's container is found. */
  readonly step: 'owned-paths' | 'copy';
  /** Image of the stack; its entrypoint is replaced. */
  readonly image: string;
  readonly mounts: readonly HelperMount[];
  readonly workdir: string;
  /** Program and arguments, without a shell. */
  readonly argv: readonly [program: string, ...args: string[]];
  readonly memoryMiB?: number;
  readonly isInteractive?: boolean;
  readonly name?: string;
}

/**
 * Arguments of `docker` for a short-lived container that may read and write files of other users, and nothing else: the
 * only access to data and secrets of containers' users.
 */
export function helperRunArgs(settings: Settings, options: HelperOptions): readonly string[] {
  const [program, ...args] = options.argv;
  return [
    ...['run', '--rm', ...(options.isInteractive === true ? ['--interactive'] : []), '--log-driver', 'none'],
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
