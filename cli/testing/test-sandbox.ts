import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { layoutOf } from '../../bootstrap/sandbox/layout.ts';
import { cleanSandbox, startSandbox } from '../../bootstrap/sandbox/sandbox.ts';
import { ensureToolchain } from '../../bootstrap/toolchain/toolchain.ts';
import { type EnvironmentChanges, pathWith } from '../../host/environment.ts';
import { checkoutDir } from '../../host/git.ts';
import type { Progress } from '../../host/output.ts';
import { endWithVariable } from '../../host/processes.ts';
import { userDirs } from '../../settings/instance.ts';

/** Directory for the instances of the tests; set for every process of a suite. */
const instancesDirName = 'TEST_INSTANCES_DIR';

export interface TestSandbox {
  /** Prefix of a command that runs in the engine's network. */
  readonly enter: readonly string[];
  /** Environment variables of the tests: the engine, the toolchain, the directory for instances. */
  readonly exports: EnvironmentChanges;
}

/**
 * An engine for tests of this work tree, in its own network; always deleted afterwards.
 * @param part names the engine: parts run in parallel, each on its own
 */
export async function withTestSandbox<T>(
  part: string,
  progress: Progress,
  work: (sandbox: TestSandbox) => Promise<T>,
): Promise<T> {
  const id = createHash('sha256').update(checkoutDir).digest('hex').slice(0, 12);
  const place = { name: `test-${id}-${part}`, netns: 'own', ...userDirs(), progress } as const;
  const { instancesDir } = layoutOf(place.stateDir, place.name);
  const clean = async () => {
    // A stopped vitest kills its workers, but not what they started: gatewayctl, Pulumi and its plugins.
    await endWithVariable(`${instancesDirName}=${instancesDir}`, 3_000);
    await cleanSandbox({ ...place, deleteInstances: true });
  };
  const toolchain = await ensureToolchain({ cacheDir: userDirs().cacheDir, progress });
  // The tests would find what a killed run left.
  await clean();
  cleanUps.add(clean);
  try {
    const sandbox = await startSandbox(place);
    return await work({
      enter: ['nsenter', `--net=/proc/${sandbox.pid}/ns/net`, '--'],
      exports: {
        PATH: pathWith(toolchain.binDir, dirname(process.execPath)),
        DOCKER_HOST: sandbox.dockerHost,
        [instancesDirName]: instancesDir,
        // The engine's network has no route to the outside: a test downloads in this process's network.
        TEST_NETWORK: `/proc/${process.pid}/ns/net`,
        TAXLIEN_GATEWAY_ROOT: undefined,
      },
    });
  } finally {
    cleanUps.delete(clean);
    await clean();
  }
}

const cleanUps = new Set<() => Promise<void>>();

/** On SIGINT or SIGTERM, kills what the tests started and deletes their engines before it exits. */
export function cleanUpOnSignal(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void Promise.allSettled([...cleanUps].map((clean) => clean())).finally(() => process.kill(process.pid, signal));
    });
  }
}
