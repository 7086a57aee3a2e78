import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Layout, layoutOf } from '../../bootstrap/sandbox/layout.ts';
import { cleanSandbox, type Sandbox, type StartOptions } from '../../bootstrap/sandbox/sandbox.ts';
import { type RunResult, run } from '../../host/process.ts';
import { userDirs } from '../../settings/instance.ts';

const quiet = { step() {}, tick() {}, done() {} };

export interface SandboxUnderTest {
  readonly options: StartOptions;
  readonly layout: Layout;
  /** Directory for the test's files, on the disk of the engine. */
  readonly files: string;
  readonly remove: () => Promise<void>;
}

/** A place for an engine of one test, in a network of its own; its images come from the user's cache. */
export function sandboxUnderTest(name: string): SandboxUnderTest {
  const stateDir = mkdtempSync(join(tmpdir(), 'sandbox-'));
  chmodSync(stateDir, 0o755);
  const options = { name, netns: 'own', stateDir, cacheDir: userDirs().cacheDir, progress: quiet } as const;
  const remove = async () => {
    await cleanSandbox({ ...options, deleteInstances: true });
    rmSync(stateDir, { recursive: true });
  };
  return { options, remove, layout: layoutOf(stateDir, name), files: join(stateDir, 'files') };
}

/** The docker client on that engine; `tolerant` allows any exit code. */
export function dockerOf(sandbox: Sandbox) {
  const env = { ...process.env, DOCKER_HOST: sandbox.dockerHost };
  const tolerant = (...args: string[]): Promise<RunResult> =>
    run(['docker', ...args], { env, allowedExitCodes: 'any' });
  const docker = async (...args: string[]) => (await run(['docker', ...args], { env })).stdout.trim();
  return { docker, tolerant };
}
