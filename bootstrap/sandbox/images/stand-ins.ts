import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findImage, imageReferences, loadImages } from '../../../docker/engine-api.ts';
import { gatewayDockerfile, pinsIn, requireRecorded } from '../../../docker/images/pins.ts';
import upstreamImages from '../../../docker/images/upstream-images.json' with { type: 'json' };
import { UserError } from '../../../host/errors.ts';
import { withLock } from '../../../host/lock.ts';
import type { Progress } from '../../../host/output.ts';
import { deleteUnused } from '../../unused.ts';
import { baseLayer } from './base.ts';
import { unpackDebian } from './debian.ts';
import { golangSettings, goModulesLayer, goToolchainLayer } from './golang.ts';
import { grafanaLayer, grafanaSettings } from './grafana.ts';
import { type Image, type ImageSettings, imageArchive, imageOf, standInLabel } from './image.ts';
import { buildLayer, cachedLayer, type Layer, type LayerRecipe, layerKey, type WorkPlace } from './layers.ts';
import { postgresLayer, postgresSettings } from './postgres.ts';
import { prometheusLayer, prometheusSettings } from './prometheus.ts';
import { redisLayer, redisSettings } from './redis.ts';

interface StandIn {
  readonly reference: string;
  readonly settings: ImageSettings;
  readonly recipes: readonly LayerRecipe[];
}

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** One stand-in for each upstream image that the stack runs or builds on. */
async function standIns(): Promise<readonly StandIn[]> {
  const dockerfile = readFileSync(path.join(repository, gatewayDockerfile), 'utf8');
  const { db, redis, prometheus, grafana, golang } = standInReferences(upstreamImages, dockerfile);
  const base = baseLayer();
  return [
    { reference: db, settings: postgresSettings, recipes: [base, postgresLayer()] },
    { reference: redis, settings: redisSettings, recipes: [base, redisLayer()] },
    { reference: prometheus, settings: prometheusSettings, recipes: [base, prometheusLayer()] },
    { reference: grafana, settings: grafanaSettings, recipes: [base, await grafanaLayer()] },
    {
      reference: golang,
      settings: golangSettings,
      recipes: [base, await goToolchainLayer(), await goModulesLayer(repository)],
    },
  ];
}

/**
 * The references of the stand-ins: recorded tags only, since a registry may lack any other.
 * @throws UserError E_IMAGE_UNRECORDED, E_GATEWAY_BASE
 */
export function standInReferences(upstream: typeof upstreamImages, dockerfile: string) {
  const pins = pinsIn(upstream, dockerfile);
  for (const pin of pins) requireRecorded(pin);
  const bases = pins.filter(({ service }) => service === 'gateway').map(({ reference }) => reference);
  const [golang, ...others] = bases;
  if (golang?.startsWith('golang:') === true && others.length === 0) return { ...upstream, golang };
  throw new UserError(
    'E_GATEWAY_BASE',
    `${gatewayDockerfile}: with stand-in images, FROM must name exactly one golang image (got ${bases.join(', ') || 'none'})`,
    'Deploy it to a Docker daemon that reaches an image registry.',
  );
}

/** Whether the engine has the current stand-ins; `loadedKey` is what `loadStandIns` returned. */
export async function areStandInsLoaded(socket: string, loadedKey: string): Promise<boolean> {
  const wanted = await standIns();
  if (loadedKey !== keyOf(wanted)) return false;
  const present = await imageReferences(socket);
  return wanted.every(({ reference }) => present.includes(reference));
}

/** One key for all stand-ins as they would be built now. */
function keyOf(wanted: readonly StandIn[]): string {
  return wanted.map(({ reference, recipes }) => [reference, ...recipes.map(layerKey)].join('+')).join(' ');
}

/** Builds the layers that the cache lacks, loads the images that the engine lacks. @returns the key of all stand-ins */
export async function loadStandIns(socket: string, cacheDir: string, progress: Progress): Promise<string> {
  const wanted = await standIns();
  const imagesDir = path.join(cacheDir, 'images');
  const layers = await ensureLayers(imagesDir, wanted, progress);
  const images = wanted.map(({ reference, settings, recipes }) =>
    imageOf(
      reference,
      settings,
      recipes.map((recipe) => layers.get(recipe.name) as Layer),
    ),
  );
  const missing: Image[] = [];
  for (const image of images) {
    const present = await findImage(socket, image.reference);
    // Without the label it is the official image, pulled while a registry answered.
    if (present === undefined || (present.id !== image.id && standInLabel in present.labels)) missing.push(image);
  }
  if (missing.length > 0) {
    const names = missing.map((image) => image.reference).join(', ');
    progress.step(`loading stand-in images: ${names}`);
    await loadImages(socket, imageArchive(missing), imagesDir);
    progress.done('stand-in images loaded');
  }
  return keyOf(wanted);
}

async function ensureLayers(
  imagesDir: string,
  wanted: readonly StandIn[],
  progress: Progress,
): Promise<Map<string, Layer>> {
  const recipes = new Map(wanted.flatMap((standIn) => standIn.recipes).map((recipe) => [recipe.name, recipe]));
  const cached = allCached(imagesDir, recipes);
  if (cached !== undefined) return cached;
  mkdirSync(imagesDir, { recursive: true });
  return withLock(`${imagesDir}.lock`, { describe: 'stand-in images', progress }, async () => {
    for (const left of readdirSync(imagesDir).filter((entry) => entry.startsWith('build-'))) {
      rmSync(path.join(imagesDir, left), { recursive: true });
    }
    const dir = mkdtempSync(path.join(imagesDir, 'build-'));
    try {
      const work = workPlace(dir, progress);
      const layers = new Map<string, Layer>();
      for (const recipe of recipes.values()) {
        layers.set(recipe.name, cachedLayer(imagesDir, recipe) ?? (await buildWithProgress(imagesDir, recipe, work)));
      }
      deleteUnused(imagesDir, Date.now());
      return layers;
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
}

function allCached(imagesDir: string, recipes: ReadonlyMap<string, LayerRecipe>): Map<string, Layer> | undefined {
  const layers = new Map<string, Layer>();
  for (const recipe of recipes.values()) {
    const layer = cachedLayer(imagesDir, recipe);
    if (layer === undefined) return undefined;
    layers.set(recipe.name, layer);
  }
  return layers;
}

async function buildWithProgress(imagesDir: string, recipe: LayerRecipe, work: WorkPlace): Promise<Layer> {
  work.progress.step(`building stand-in layer ${recipe.name}`);
  const layer = await buildLayer(imagesDir, recipe, work);
  work.progress.done(`built ${recipe.name}: ${layer.version}`);
  return layer;
}

function workPlace(dir: string, progress: Progress): WorkPlace {
  let debianRoot: Promise<string> | undefined;
  return {
    dir,
    progress,
    debianRoot: () => {
      debianRoot ??= unpackDebian(path.join(dir, 'debian'), progress);
      return debianRoot;
    },
  };
}
