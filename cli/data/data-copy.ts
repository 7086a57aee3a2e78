import { createHash } from 'node:crypto';
import type { DockerClient } from '../../docker/client.ts';
import { type HelperMount, type HelperOptions, helperRunArgs } from '../../docker/helper-container.ts';
import { UserError } from '../../host/errors.ts';
import type { Settings } from '../../settings/load.ts';

/** A directory tree that may belong to other users: a directory of this host or the content of a volume. */
export type Tree = Pick<HelperMount, 'type' | 'source'>;

/** What a tree holds, for comparing it with a copy. */
export interface TreeContent {
  readonly files: number;
  /** Of all paths, owners, modes, link targets and file contents. */
  readonly sha256: string;
}

/** Copies, measures and removes trees in helper containers of an image of the stack. */
export class DataCopier {
  readonly #settings: Settings;
  readonly #docker: DockerClient;
  readonly #image: string;

  constructor(settings: Settings, docker: DockerClient, image: string) {
    this.#settings = settings;
    this.#docker = docker;
    this.#image = image;
  }

  /** Size on disk, in bytes. */
  async size(tree: Tree): Promise<number> {
    return Number((await this.#read(tree, ['du', '-sk', '.'])).split('\t')[0]) * 1024;
  }

  async content(tree: Tree): Promise<TreeContent> {
    const hashes = await this.#read(tree, ['find', '.', '-type', 'f', '-exec', 'sha256sum', '{}', '+']);
    const entries = await this.#read(tree, ['find', '.', '-exec', 'stat', '-c', '%N %F %a %u %g', '{}', '+']);
    // Two disks may list the same entries in another order.
    const lines = [...hashes.split('\n'), ...entries.split('\n')].filter((line) => line !== '').sort();
    const files = hashes.split('\n').filter((line) => line !== '').length;
    return { files, sha256: createHash('sha256').update(lines.join('\n')).digest('hex') };
  }

  /**
   * Replaces the directory `name` in `to` with a copy of `from`, and compares the two.
   * @throws UserError E_COPY_DIFFERS
   */
  async copy(from: Tree, to: Tree, name: string): Promise<TreeContent> {
    const mounts = [
      { ...from, target: '/from' },
      { ...to, target: '/to', isWritable: true },
    ];
    await this.#runHelper(mounts, '/', ['rm', '-rf', '--', `/to/${name}`]);
    await this.#runHelper(mounts, '/', ['cp', '-a', '/from', `/to/${name}`]);
    await this.#runHelper(mounts, '/', ['sync']);
    const target: Tree = { ...to, source: `${to.source}/${name}` };
    const [wanted, found] = [await this.content(from), await this.content(target)];
    if (wanted.sha256 === found.sha256) return found;
    throw new UserError(
      'E_COPY_DIFFERS',
      `${target.source}: differs from ${from.source} after the copy (got ${found.files} files, expected ${wanted.files})`,
      'Find the process that writes there, or check the disk (Linux: sudo dmesg), then run the same command again.',
    );
  }

  /** Names of the entries at the top of a tree. */
  async names(tree: Tree): Promise<readonly string[]> {
    return (await this.#read(tree, ['ls', '-A', '-1', '.'])).split('\n').filter((name) => name !== '');
  }

  /** Runs one program in a tree that it may write to. */
  async change(tree: Tree, argv: HelperOptions['argv']): Promise<void> {
    await this.#runHelper([{ ...tree, target: '/tree', isWritable: true }], '/tree', argv);
  }

  #read(tree: Tree, argv: HelperOptions['argv']): Promise<string> {
    return this.#runHelper([{ ...tree, target: '/tree' }], '/tree', argv);
  }

  async #runHelper(mounts: readonly HelperMount[], workdir: string, argv: HelperOptions['argv']): Promise<string> {
    const name = `${this.#settings.project}-copy`;
    // The container of a killed run may still be running.
    await this.#docker.call(['rm', '--force', name], { allowedExitCodes: 'any' });
    const options = { step: 'copy', image: this.#image, mounts, workdir, argv, name, memoryMiB: 512 } as const;
    // The time depends on the size of the data.
    return (await this.#docker.call(helperRunArgs(this.#settings, options), { timeoutMs: 'unlimited' })).stdout;
  }
}
