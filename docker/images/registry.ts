import { isRefusal } from '../../host/errors.ts';
import { run } from '../../host/process.ts';
import { registryComplaint } from '../engine-api.ts';

/**
 * Whether a registry has an image. `unclear`: another answer (login required, rate limit, server error). `none`: no
 * registry answers.
 */
export type RegistryAnswer = 'has' | 'lacks' | 'unclear' | 'none';

/** Asks with the docker client from this host; needs no daemon. */
export async function askRegistry(reference: string, timeoutMs = 10_000): Promise<RegistryAnswer> {
  // --debug: without it, the client reports "no such manifest" for a registry that requires a login or plain HTTP, too.
  const argv = ['docker', '--debug', 'manifest', 'inspect', reference];
  try {
    const { exitCode, stderr } = await run(argv, { allowedExitCodes: 'any', timeoutMs });
    return exitCode === 0 ? 'has' : answerIn(stderr);
  } catch (error) {
    if (isRefusal(error)) return 'none';
    throw error;
  }
}

/** Asks through the daemon that would pull the image, with its proxies, mirrors and insecure registries. */
export async function askRegistryOfDaemon(socket: string, reference: string): Promise<RegistryAnswer> {
  const complaint = await registryComplaint(socket, reference).catch(String);
  return complaint === undefined ? 'has' : answerIn(complaint);
}

/** What the error text of a docker client or daemon says about the registry. */
export function answerIn(complaint: string): Exclude<RegistryAnswer, 'has'> {
  if (/(manifest|name) unknown/i.test(complaint)) return 'lacks';
  // A refusal is an answer, also behind the prefix of a failed request.
  if (/unauthorized|denied|no basic auth|toomanyrequests|\b(401|403|429)\b/i.test(complaint)) return 'unclear';
  // Both are written in Go, whose HTTP client starts the error of each failed request like this.
  return /\b(Get|Head) \\*"?https?:|no answer within/.test(complaint) ? 'none' : 'unclear';
}
