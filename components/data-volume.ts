import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { dataPath, dataVolumeSpec } from '../docker/data-volume.ts';
import { toLabelList } from '../docker/names.ts';
import type { Settings } from '../settings/load.ts';
import type { DataVolumeName } from '../settings/services.ts';

export interface DataVolumeArgs {
  readonly settings: Settings;
  readonly volume: DataVolumeName;
}

/** A named volume bound to a host directory; it outlives its containers, `destroy` and the checkout. */
export class DataVolume extends pulumi.ComponentResource {
  /** Name of the Docker volume. */
  readonly volumeName: pulumi.Output<string>;
  /** Directory on the host that holds the data. */
  readonly hostPath: string;

  constructor(name: string, args: DataVolumeArgs, options?: pulumi.ComponentResourceOptions) {
    super('taxlien:index:DataVolume', name, {}, options);
    this.hostPath = dataPath(args.settings, args.volume);
    const { labels, ...spec } = dataVolumeSpec(args.settings, args.volume);
    const volume = new docker.Volume(
      name,
      { ...spec, labels: toLabelList(labels) },
      { parent: this, protect: true, retainOnDelete: true, deleteBeforeReplace: true },
    );
    this.volumeName = volume.name;
    this.registerOutputs({ volumeName: this.volumeName, hostPath: this.hostPath });
  }
}
