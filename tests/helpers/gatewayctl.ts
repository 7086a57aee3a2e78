import { join } from 'node:path';
import { childEnvironment } from '../../host/environment.ts';
import { type RunResult, run } from '../../host/process.ts';

const checkoutDir = join(import.meta.dirname, '..', '..');
const main = join(checkoutDir, 'cli', 'main.ts');

/** Runs a verb as a user whose home is this directory, without a terminal and on a host without a daemon. */
export const gatewayctl = (home: string, ...args: readonly string[]): Promise<RunResult> =>
  run([process.execPath, '--disable-warning=ExperimentalWarning', main, ...args], {
    cwd: home,
    env: childEnvironment({
      HOME: home,
      XDG_CACHE_HOME: join(home, 'cache'),
      XDG_STATE_HOME: join(home, 'state'),
      TAXLIEN_GATEWAY_ROOT: join(home, 'root'),
      DOCKER_HOST: `unix://${home}/no.sock`,
      // Halves the time of a start.
      NODE_COMPILE_CACHE: join(checkoutDir, 'node_modules', '.cache', 'compile'),
    }),
    allowedExitCodes: 'any',
    timeoutMs: 30_000,
  });
