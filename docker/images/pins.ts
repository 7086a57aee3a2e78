import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../host/errors.ts';
import type { DataVolumeName, ServiceName } from '../../settings/services.ts';
import imageTags from './image-tags.json' with { type: 'json' };
import upstreamImages from './upstream-images.json' with { type: 'json' };

/** Dockerfile of the gateway's image, relative to the checkout. */
export const gatewayDockerfile = 'Dockerfile.gateway';

/** An image that comes from a registry. */
export interface Pin {
  /** The service that runs it or, for the gateway, is built on it. */
  readonly service: ServiceName;
  /** File of the checkout that names it. */
  readonly file: string;
  readonly reference: string;
}

/** The images that this checkout's services run and that its gateway is built on. */
export const pinsOf = (checkoutDir: string): readonly Pin[] =>
  pinsIn(upstreamImages, readFileSync(join(checkoutDir, gatewayDockerfile), 'utf8'));

export function pinsIn(upstream: typeof upstreamImages, dockerfile: string): readonly Pin[] {
  const file = 'docker/images/upstream-images.json';
  return [
    { service: 'db', file, reference: upstream.db },
    { service: 'redis', file, reference: upstream.redis },
    { service: 'prometheus', file, reference: upstream.prometheus },
    { service: 'grafana', file, reference: upstream.grafana },
    ...baseImages(dockerfile).map((reference) => ({ service: 'gateway', file: gatewayDockerfile, reference }) as const),
  ];
}

/** Images in the FROM lines of a Dockerfile, except its own stages and names with a build argument. */
function baseImages(dockerfile: string): readonly string[] {
  const lines = [...dockerfile.matchAll(/^[ \t]*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/gim)];
  const stages = lines.map(([, , stage]) => stage?.toLowerCase());
  const isImage = (name: string) => name !== 'scratch' && !name.includes('$') && !stages.includes(name.toLowerCase());
  return [...new Set(lines.map(([, name = '']) => name).filter(isImage))];
}

/** Tags of one repository, as read from a source. */
export interface TagReading {
  readonly repository: string;
  readonly tags: readonly string[];
  /** Where they were read, in plain words. */
  readonly source: string;
  /** `2026-11-27` */
  readonly readOn: string;
  /** Of the only tag, if the source gives it. */
  readonly digest?: string;
}

const readings: readonly TagReading[] = imageTags;

/** The record of a reference's tag. */
export function readingOf(reference: string, recorded = readings): TagReading | undefined {
  const { repository, tag } = partsOf(reference);
  return recorded.find((reading) => reading.repository === repository && reading.tags.includes(tag));
}

/**
 * Refuses a pin that is not recorded: it may not exist in any registry.
 * @throws UserError E_IMAGE_UNRECORDED
 */
export function requireRecorded({ file, reference }: Pin, recorded = readings): void {
  const got = lackOf(reference, recorded);
  if (got === undefined) return;
  throw new UserError(
    'E_IMAGE_UNRECORDED',
    `${file}: ${reference} must be a tag of docker/images/image-tags.json, with source and date (got ${got})`,
    'Use a tag that is recorded there, or record where and when you read this one.',
  );
}

function lackOf(reference: string, recorded: readonly TagReading[]): string | undefined {
  const reading = readingOf(reference, recorded);
  if (reading === undefined) {
    const { repository } = partsOf(reference);
    const tags = recorded.filter((entry) => entry.repository === repository).flatMap((entry) => entry.tags);
    return tags.length === 0 ? `nothing of ${repository}` : `only ${tags.join(', ')}`;
  }
  if (reading.source.trim() === '') return 'no source';
  return /^\d{4}-\d\d-\d\d$/.test(reading.readOn) ? undefined : 'no date';
}

/** `prom/prometheus` and `v3.13.5`, without the digest; a registry may have a port. */
function partsOf(reference: string): { readonly repository: string; readonly tag: string } {
  const [name = ''] = reference.split('@');
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  return colon < 0
    ? { repository: name, tag: 'latest' }
    : { repository: name.slice(0, colon), tag: name.slice(colon + 1) };
}

/** Major version of the image that writes a directory; empty for the gateway's own files. */
export function imageMajorOf(volume: DataVolumeName): string {
  if (volume === 'raw') return '';
  const image = upstreamImages[volume === 'postgres' ? 'db' : volume];
  const major = /^v?(\d+)/.exec(partsOf(image).tag)?.[1];
  if (major === undefined) throw new TypeError(`docker/images/upstream-images.json: ${image} has no major version`);
  return major;
}
