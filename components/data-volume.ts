import { join } from 'node:path';
import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import type { Settings } from '../settings/load.ts';
import { type DataVolumeName, projectLabels, toLabelList, volumeName } from '../settings/names.ts';

export interface DataVolumeArgs {
  readonly settings: Settings;
  readonly volume: DataVolumeName;
}

/** Host directory of a volume. */
export const dataPath = (settings: Settings, volume: DataVolumeName) => join(settings.dataDir, volume);

/** A named volume bound to a host directory; it outlives its containers, `destroy` and the checkout. */
export class DataVolume extends pulumi.ComponentResource {
  /** Name of the Docker volume. */
  readonly volumeName: pulumi.Output<string>;
  /** Directory on the host that holds the data. */
  readonly hostPath: string;

  constructor(name: string, args: DataVolumeArgs, options?: pulumi.ComponentResourceOptions) {
    super('taxlien:index:DataVolume', name, {}, options);
    this.hostPath = dataPath(args.settings, args.volume);
    const volume = new docker.Volume(
      name,
      {
        name: volumeName(args.settings, args.volume),
        driver: 'local',
        driverOpts: { type: 'none', o: 'bind', device: this.hostPath },
        labels: toLabelList(projectLabels(args.settings)),
      },
      { parent: this, protect: true, retainOnDelete: true, deleteBeforeReplace: true },
    );
    this.volumeName = volume.name;
    this.registerOutputs({ volumeName: this.volumeName, hostPath: this.hostPath });
  }
}
