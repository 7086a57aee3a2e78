import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Progress } from '../../../host/output.ts';
import { run } from '../../../host/process.ts';
import { markUsed } from '../../unused.ts';

/** How one layer of a stand-in is built. */
export interface LayerRecipe {
  readonly name: string;
  /** All that the layer's content depends on; a change rebuilds it. */
  readonly inputs: readonly string[];
  /** Fills `root` and returns the version that it contains. */
  readonly build: (root: string, work: WorkPlace) => Promise<string>;
}

/** What the layers of one build share. */
export interface WorkPlace {
  /** Scratch space, deleted after the build. */
  readonly dir: string;
  /** The root of the unpacked Debian packages; unpacked on first use. */
  readonly debianRoot: () => Promise<string>;
  readonly progress: Progress;
}

export interface Layer {
  readonly name: string;
  readonly file: string;
  readonly diffId: string;
  readonly version: string;
}

export function layerKey(recipe: LayerRecipe): string {
  const hash = createHash('sha256').update(readFileSync(new URL(import.meta.url)));
  for (const input of recipe.inputs) hash.update(`${input.length}:${input}`);
  return hash.digest('hex').slice(0, 16);
}

/** @returns undefined if it is not in the cache */
export function cachedLayer(imagesDir: string, recipe: LayerRecipe): Layer | undefined {
  const dir = layerDir(imagesDir, recipe);
  const file = path.join(dir, 'layer.tar');
  const about = path.join(dir, 'layer.json');
  if (!existsSync(about)) return undefined;
  const { diffId, version } = JSON.parse(readFileSync(about, 'utf8')) as { diffId: string; version: string };
  markUsed(dir, Date.now());
  return { name: recipe.name, file, diffId, version };
}

/** Builds the layer as an archive of `root` with fixed times and order, and moves it into the cache in one step. */
export async function buildLayer(imagesDir: string, recipe: LayerRecipe, work: WorkPlace): Promise<Layer> {
  const root = path.join(work.dir, 'roots', recipe.name);
  const pack = path.join(work.dir, 'packs', recipe.name);
  // Independent of the user's umask: all users of the image must be able to read it.
  const umask = process.umask(0o022);
  let version: string;
  try {
    mkdirSync(root, { recursive: true });
    mkdirSync(pack, { recursive: true });
    version = await recipe.build(root, work);
  } finally {
    process.umask(umask);
  }
  const file = path.join(pack, 'layer.tar');
  const fixed = ['--sort=name', '--mtime=@0', '--numeric-owner', '--format=gnu'];
  await run(['tar', '--create', ...fixed, `--file=${file}`, `--directory=${root}`, '.']);
  const diffId = `sha256:${await sha256(file)}`;
  writeFileSync(path.join(pack, 'layer.json'), `${JSON.stringify({ diffId, version })}\n`);
  const dir = layerDir(imagesDir, recipe);
  rmSync(dir, { recursive: true, force: true });
  renameSync(pack, dir);
  rmSync(root, { recursive: true });
  return { name: recipe.name, file: path.join(dir, 'layer.tar'), diffId, version };
}

function layerDir(imagesDir: string, recipe: LayerRecipe): string {
  return path.join(imagesDir, `${recipe.name}-${layerKey(recipe)}`);
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
