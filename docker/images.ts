import type { DataVolumeName } from '../settings/services.ts';
import upstreamImages from './upstream-images.json' with { type: 'json' };

/** Major version of the image that writes a directory; empty for the gateway's own files. */
export function imageMajorOf(volume: DataVolumeName): string {
  if (volume === 'raw') return '';
  const image = upstreamImages[volume === 'postgres' ? 'db' : volume];
  const major = /:v?(\d+)/.exec(image)?.[1];
  if (major === undefined) throw new TypeError(`docker/upstream-images.json: ${image} has no major version`);
  return major;
}
