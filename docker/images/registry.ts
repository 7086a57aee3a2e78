import { UserError } from '../../host/errors.ts';
import { run } from '../../host/process.ts';
import { registryComplaint } from '../engine-api.ts';

/**
 * Whether a registry has an image; `unclear` where it answers something else (it wants a login, or has a limit or a
 * fault), `none` where no registry answers.
 */
export type RegistryAnswer = 'has' | 'lacks' | 'unclear' | 'none';

/** Asks by the docker client, from this host: that needs no daemon. */
export async function askRegistry(reference: string, timeoutMs = 10_000): Promise<RegistryAnswer> {
  // --debug: without it the client says "no such manifest" of a registry that wants a login or speaks plain HTTP, too.
  const argv = ['docker', '--debug', 'manifest', 'inspect', reference];
  try {
    const { exitCode, stderr } = await run(argv, { allowedExitCodes: 'any', timeoutMs });
    return exitCode === 0 ? 'has' : answerIn(stderr);
  } catch (error) {
    if (error instanceof UserError) return 'none';
    throw error;
  }
}

/** Asks by the daemon that would pull the image: its proxies, mirrors and insecure registries count. */
export async function askRegistryOfDaemon(socket: string, reference: string): Promise<RegistryAnswer> {
  const complaint = await registryComplaint(socket, reference).catch(String);
  return complaint === undefined ? 'has' : answerIn(complaint);
}

/** What the complaint of a docker client or daemon says of the registry. */
export function answerIn(complaint: string): Exclude<RegistryAnswer, 'has'> {
  if (/(manifest|name) unknown/i.test(complaint)) return 'lacks';
  // Both are written in Go, whose HTTP client begins every failed request's error so.
  return /\b(Get|Head) \\*"?https?:|no answer within/.test(complaint) ? 'none' : 'unclear';
}
