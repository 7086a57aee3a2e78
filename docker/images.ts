import type { DataVolumeName } from '../settings/services.ts';
import upstreamImages from './upstream-images.json' with { type: 'json' };

/** Major version of the image that writes a directory; empty for the gateway's own files. */
export function imageMajorOf(volume: DataVolumeName): string {
  const image = volume === 'raw' ? '' : upstreamImages[volume === 'postgres' ? 'db' : volume];
  return /:v?(\d+)/.exec(image)?.[1] ?? '';
}
