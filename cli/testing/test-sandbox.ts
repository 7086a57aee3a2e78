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

/** Names the directory that tests may make instances in; stands in the environment of every process of a suite. */
const instancesDirName = 'TEST_INSTANCES_DIR';

export interface TestSandbox {
  /** What stands before a command so that it runs in the engine's network. */
  readonly enter: readonly string[];
  /** What the environment of the tests adds to this one: the engine, the toolchain, and where instances may lie. */
  readonly exports: EnvironmentChanges;
}

/**
 * An engine for tests of this work tree, in a network of its own; deleted afterwards, whatever happens.
 * @param part names what runs in it: parts run side by side, each on its engine
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
    // A stopped vitest kills its workers, and leaves running what they started: gatewayctl, Pulumi and its plugins.
    await endWithVariable(`${instancesDirName}=${instancesDir}`, 3_000);
    await cleanSandbox({ ...place, deleteInstances: true });
  };
  const toolchain = await ensureToolchain({ cacheDir: userDirs().cacheDir, progress });
  // What a killed run left would be found by the tests.
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
        // The engine's network leads nowhere: what a test downloads, it downloads in this process's.
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

/** A test run that is interrupted ends what its tests started and deletes its engines before it ends. */
export function cleanUpOnSignal(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void Promise.allSettled([...cleanUps].map((clean) => clean())).finally(() => process.kill(process.pid, signal));
    });
  }
}
