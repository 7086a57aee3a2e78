import { join } from 'node:path';
import type { Settings } from '../settings/load.ts';
import type { DataVolumeName } from '../settings/services.ts';
import { projectLabels, volumeName } from './names.ts';

/** Host directory of a volume. */
export const dataPath = (settings: Settings, volume: DataVolumeName) => join(settings.dataDir, volume);

/** A Docker volume that is bound to its host directory. */
export const dataVolumeSpec = (settings: Settings, volume: DataVolumeName) => ({
  name: volumeName(settings, volume),
  driver: 'local',
  driverOpts: { type: 'none', o: 'bind', device: dataPath(settings, volume) },
  labels: projectLabels(settings),
});
