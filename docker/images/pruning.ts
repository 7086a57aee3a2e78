import type { Settings } from '../../settings/load.ts';
import type { DockerClient } from '../client.ts';
import { imageLabel } from '../names.ts';

/** An image as `docker image inspect` gives it, with the fields that are read here. */
export interface BuiltImage {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  /** When it was built, or when its cached part was. */
  readonly Created: string;
  /** When a deploy tagged it last. */
  readonly Metadata: { readonly LastTagTime: string };
}

/** How many of an environment's own images stay, the running one among them. */
const keptImages = 5;

/**
 * Removes the images that earlier deploys of this environment built, except the last five and those that a container
 * still uses. Tags of other origin stay, and with them their image.
 * @returns one line for each image that was removed or could not be removed
 */
export async function pruneImages(docker: DockerClient, settings: Settings): Promise<readonly string[]> {
  const label = `label=${imageLabel}=${settings.project}`;
  // --all: without it, Docker 29 hides images that lost their tags.
  const ids = [...new Set(await docker.lines(['image', 'ls', '--all', '--no-trunc', '--quiet', '--filter', label]))];
  if (ids.length <= keptImages) return [];
  const images = await docker.inspect<BuiltImage>('image', ids);
  const lines: string[] = [];
  for (const image of expendableImages(images)) {
    const names = removableNames(image, settings);
    const isUsed = (await docker.ps([`ancestor=${image.Id}`])).length > 0;
    if (names.length === 0 || isUsed) continue;
    const { exitCode, stderr } = await docker.call(['image', 'rm', ...names], { allowedExitCodes: [0, 1] });
    const shown = names.join(' ');
    lines.push(
      exitCode === 0 ? `removed ${shown} of an earlier deploy` : `could not remove ${shown}: ${stderr.trim()}`,
    );
  }
  return lines;
}

/** All but the images that were deployed last, newest first. */
export function expendableImages(images: readonly BuiltImage[]): readonly BuiltImage[] {
  const when = ({ Metadata, Created }: BuiltImage) => Math.max(Date.parse(Metadata.LastTagTime), Date.parse(Created));
  return [...images].sort((a, b) => when(b) - when(a)).slice(keptImages);
}

/** The tags that a deploy gave the image; its id if a later build took them all. */
export function removableNames(
  { Id, RepoTags }: BuiltImage,
  { project }: Pick<Settings, 'project'>,
): readonly string[] {
  const tags = RepoTags ?? [];
  return tags.length === 0 ? [Id] : tags.filter((tag) => tag.startsWith(`${project}/`));
}
