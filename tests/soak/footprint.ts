import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { docker } from '../helpers/engine.ts';

/** Everything that a deploy could leave behind, by name. */
export interface Footprint {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
  /** Ids of the images that this environment built. */
  readonly ownImages: readonly string[];
  readonly otherImages: readonly string[];
  /** Files and directories in the TMPDIR of the deploys. */
  readonly temporaryFiles: readonly string[];
  /** Files of the instance, except data and the copies of the state, which are limited by number. */
  readonly instanceFiles: readonly string[];
}

export interface Places {
  readonly instanceDir: string;
  readonly temporaryDir: string;
}

/** Directories of the instance that the services or the limited copies of the state fill. */
const filling = ['data', 'state', 'backups'];

export async function footprint(project: string, { instanceDir, temporaryDir }: Places): Promise<Footprint> {
  const list = async (...args: string[]) =>
    [...new Set((await docker(...args)).split('\n'))].filter((line) => line !== '').sort();
  const ownImages = await list(
    'images',
    '--no-trunc',
    '--quiet',
    '--filter',
    `label=taxlien-gateway.project=${project}`,
  );
  return {
    containers: await list('ps', '--all', '--format', '{{.Names}}'),
    networks: await list('network', 'ls', '--format', '{{.Name}}'),
    volumes: await list('volume', 'ls', '--quiet'),
    ownImages,
    otherImages: (await list('images', '--all', '--no-trunc', '--quiet')).filter((id) => !ownImages.includes(id)),
    temporaryFiles: readdirSync(temporaryDir),
    instanceFiles: filesBelow(instanceDir).filter((path) => !filling.includes(path.split('/')[0] ?? '')),
  };
}

function filesBelow(dir: string): readonly string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort();
}

export const bytesBelow = (dir: string): number =>
  filesBelow(dir).reduce((sum, path) => sum + statSync(join(dir, path)).size, 0);
