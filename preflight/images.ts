import { hashBuildContext } from '../docker/build-context.ts';
import { DockerClient } from '../docker/client.ts';
import { gatewayDockerfile, type Pin, pinsOf } from '../docker/images/pins.ts';
import { askRegistryOfDaemon, type RegistryAnswer } from '../docker/images/registry.ts';
import { buildTag } from '../docker/names.ts';
import type { Finding } from '../host/errors.ts';
import type { DaemonCheck } from './check.ts';

/**
 * Each upstream image that a deploy needs is on the daemon, or can be pulled. Registries are asked for missing ones only,
 * by the daemon itself, and only if it is on a Unix socket of this host.
 */
export const images: DaemonCheck = {
  name: 'images',
  reads: 'daemon',
  async run({ settings, daemon: { host } }) {
    if (!host.startsWith('unix://')) return [];
    const { checkoutDir } = settings;
    const built = buildTag(settings, 'gateway', hashBuildContext(checkoutDir, gatewayDockerfile));
    const pins = pinsOf(checkoutDir);
    const missing = await missingImages(new DockerClient(host), [built, ...pins.map(({ reference }) => reference)]);
    // A builder keeps its base images to itself: they are needed only if the gateway must be built.
    const isNeeded = ({ service }: Pin) => service !== 'gateway' || missing.includes(built);
    const needed = pins.filter((pin) => missing.includes(pin.reference) && isNeeded(pin));
    const socket = host.slice('unix://'.length);
    const asked = needed.map(async (pin) => ({ pin, answer: await askRegistryOfDaemon(socket, pin.reference) }));
    return imageFindings(host, await Promise.all(asked));
  },
};

/** By docker's error text: `RepoTags` may name the image differently than the reference. */
export async function missingImages(docker: DockerClient, references: readonly string[]): Promise<readonly string[]> {
  const argv = ['image', 'inspect', '--format', '{{.Id}}', ...references];
  const { stderr } = await docker.call(argv, { allowedExitCodes: [0, 1] });
  const named = stderr.split('\n').flatMap((line) => /no such image: (\S+)$/i.exec(line.trim())?.[1] ?? []);
  return references.filter((reference) => named.includes(reference));
}

/** Images that a deploy would fail to pull, by the registries' answers about those missing on the daemon. */
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
          message: `${where} must exist in its registry (got no such tag)`,
          why: 'The deploy would fail to pull it.',
          fix: `Name another tag in ${file}; ./gatewayctl images --check checks all.`,
        },
      ];
    }
    if (answer === 'none') {
      return [
        {
          code: 'E_IMAGE_MISSING',
          severity: 'error',
          message: `${where} is not on the daemon, and no registry answers it (got docker at ${host})`,
          why: 'The deploy would fail to pull it.',
          fix: `Give the daemon access to the registry; or, on a host that has the image: docker save ${reference} | ssh <this host> docker load`,
        },
      ];
    }
    return [];
  });
}
