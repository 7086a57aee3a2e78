import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import type { Layer } from './layers.ts';

/** The part of an image's configuration that its users rely on, in Docker's format. */
export interface ImageSettings {
  readonly User?: string;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
}

export interface Image {
  /** The official image's name and tag. */
  readonly reference: string;
  /** `sha256:` and the hash of `config`. */
  readonly id: string;
  readonly config: string;
  readonly layers: readonly Layer[];
}

/** Label of every stand-in; its value is the version that it contains. */
export const standInLabel = 'taxlien-gateway.stand-in';

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** An image of these layers; its label names the version that it contains. */
export function imageOf(reference: string, settings: ImageSettings, layers: readonly Layer[]): Image {
  const last = layers.at(-1);
  if (last === undefined) throw new TypeError(`${reference}: an image needs a layer`);
  const env = settings.Env ?? [];
  const path = env.some((entry) => entry.startsWith('PATH=')) ? [] : [`PATH=${defaultPath}`];
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    created: new Date(0).toISOString(),
    config: {
      ...settings,
      Env: [...path, ...env],
      Labels: { [standInLabel]: last.version },
    },
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map((layer) => ({ created: new Date(0).toISOString(), comment: `stand-in: ${layer.version}` })),
  });
  return { reference, id: `sha256:${createHash('sha256').update(config).digest('hex')}`, config, layers };
}

/** All images as one archive in the format of `docker save`, each layer once. */
export function imageArchive(images: readonly Image[]): Readable {
  const pack = tar.pack();
  const fill = async () => {
    for (const image of images) pack.entry({ name: configName(image) }, image.config);
    const layers = new Map(images.flatMap((image) => image.layers).map((layer) => [layer.diffId, layer]));
    for (const layer of layers.values()) {
      const entry = pack.entry({ name: layerName(layer), size: statSync(layer.file).size });
      await pipeline(createReadStream(layer.file, { highWaterMark: 1 << 20 }), entry);
    }
    const manifest = images.map((image) => ({
      Config: configName(image),
      RepoTags: [image.reference],
      Layers: image.layers.map(layerName),
    }));
    pack.entry({ name: 'manifest.json' }, JSON.stringify(manifest));
    pack.finalize();
  };
  fill().catch((error: Error) => pack.destroy(error));
  return Readable.from(pack);
}

function configName(image: Image): string {
  return `${image.id.slice('sha256:'.length)}.json`;
}

function layerName(layer: Layer): string {
  return `${layer.diffId.slice('sha256:'.length)}.tar`;
}
