import { hashBuildContext } from '../docker/build-context.ts';
import { DockerClient } from '../docker/client.ts';
import { gatewayDockerfile, type Pin, pinsOf } from '../docker/images/pins.ts';
import { askRegistryOfDaemon, type RegistryAnswer } from '../docker/images/registry.ts';
import { buildTag } from '../docker/names.ts';
import type { Finding } from '../host/errors.ts';
import type { DaemonCheck } from './finding.ts';

/**
 * Each image of a registry that a deploy needs is on the daemon, or can be pulled. Registries are asked for missing ones
 * only, and by the daemon itself; one that is not on a Unix socket of this host is not asked to.
 */
export const images: DaemonCheck = {
  name: 'images',
  reads: 'daemon',
  async run({ settings, daemon: { host } }) {
    const { checkoutDir } = settings;
    const built = buildTag(settings, 'gateway', hashBuildContext(checkoutDir, gatewayDockerfile));
    const pins = pinsOf(checkoutDir);
    const missing = await missingImages(new DockerClient(host), [built, ...pins.map(({ reference }) => reference)]);
    // A builder keeps what it built on to itself: that is missed only where a build is ahead.
    const isNeeded = ({ service }: Pin) => service !== 'gateway' || missing.includes(built);
    const needed = pins.filter((pin) => missing.includes(pin.reference) && isNeeded(pin));
    if (!host.startsWith('unix://')) return [];
    const socket = host.slice('unix://'.length);
    const asked = needed.map(async (pin) => ({ pin, answer: await askRegistryOfDaemon(socket, pin.reference) }));
    return imageFindings(host, await Promise.all(asked));
  },
};

/** By what docker complains of: an image may have other names than the one that it was asked for by. */
export async function missingImages(docker: DockerClient, references: readonly string[]): Promise<readonly string[]> {
  const argv = ['image', 'inspect', '--format', '{{.Id}}', ...references];
  const { stderr } = await docker.call(argv, { allowedExitCodes: [0, 1] });
  const named = stderr.split('\n').flatMap((line) => /no such image: (\S+)$/i.exec(line.trim())?.[1] ?? []);
  return references.filter((reference) => named.includes(reference));
}

/** What a deploy would fail to pull, by what registries said of the images that the daemon has not got. */
export function imageFindings(
  host: string,
  asked: readonly { readonly pin: Pin; readonly answer: RegistryAnswer }[],
): readonly Finding[] {
  return asked.flatMap(({ pin: { service, file, reference }, answer }): readonly Finding[] => {
    const where = `${file} (${service}): ${reference}`;
    if (answer === 'lacks') {
      return [
        {
          code: 'E_IMAGE_TAG',
          severity: 'error',
          message: `${where} must be an image that its registry has (got: no such tag)`,
          why: 'The deploy would stop at its pull.',
          fix: `Name another tag in ${file}; ./gatewayctl images --check asks for all.`,
        },
      ];
    }
    if (answer === 'none') {
      return [
        {
          code: 'E_IMAGE_MISSING',
          severity: 'error',
          message: `${where} is not on the daemon, and no registry answers it (got docker at ${host})`,
          why: 'The deploy would stop at its pull.',
          fix: `Give the daemon a way to the registry; or, on a host that has the image: docker save ${reference} | ssh <this host> docker load`,
        },
      ];
    }
    return [];
  });
}
