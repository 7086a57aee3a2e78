import * as command from '@pulumi/command';
import * as docker from '@pulumi/docker';
import * as pulumi from '@pulumi/pulumi';
import { hashBuildContext } from '../docker/build-context.ts';
import { buildTag } from '../docker/names.ts';
import type { Settings } from '../settings/load.ts';
import type { ServiceName } from '../settings/services.ts';

export interface LocalImageArgs {
  readonly settings: Settings;
  readonly service: ServiceName;
  /** Dockerfile, relative to the checkout, which is the build context. */
  readonly dockerfile: string;
  readonly buildArgs: Readonly<Record<string, string>>;
}

/** An image built on this host, and built again exactly when its own context changes. */
export class LocalImage extends pulumi.ComponentResource {
  /** `sha256:...` */
  readonly imageId: pulumi.Output<string>;
  /** Hash of the build context, 64 hexadecimal digits. */
  readonly contextHash: string;

  constructor(name: string, args: LocalImageArgs, options?: pulumi.ComponentResourceOptions) {
    super('taxlien:index:LocalImage', name, {}, options);
    this.contextHash = hashBuildContext(args.settings.checkoutDir, args.dockerfile);
    const image = new docker.RemoteImage(
      name,
      {
        name: buildTag(args.settings, args.service, this.contextHash),
        build: {
          context: '.',
          dockerfile: args.dockerfile,
          buildArgs: args.buildArgs,
        },
        triggers: { context: this.contextHash },
        // true: the provider deletes by tag, and the tag may be the new image's by then.
        keepLocally: true,
      },
      { parent: this },
    );
    this.imageId = image.imageId;
    this.registerOutputs({ imageId: this.imageId });
  }
}

/** Points `target` at an image; a change moves the tag and replaces nothing. */
export function tagImage(
  name: string,
  imageId: pulumi.Input<string>,
  target: string,
  options: pulumi.CustomResourceOptions,
): pulumi.Output<string> {
  const tag = new command.local.Command(
    name,
    // Run as `docker tag <image> <target>`: the command's text is the last argument.
    { interpreter: ['docker', 'tag', imageId], create: target, logging: 'none', addPreviousOutputInEnv: false },
    options,
  );
  return pulumi.output(tag.create).apply((text) => text ?? target);
}
