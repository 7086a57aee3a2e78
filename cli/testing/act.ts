import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { goEnvironment } from '../../bootstrap/toolchain/go-build.ts';
import { childEnvironment } from '../../host/environment.ts';
import { withLock } from '../../host/lock.ts';
import type { Progress } from '../../host/output.ts';
import { run } from '../../host/process.ts';

const version = '0.2.82';

/**
 * Installs `act`, which runs workflow files without GitHub, in the user's cache.
 * @returns its path
 */
export async function ensureAct({ cacheDir, progress }: { cacheDir: string; progress: Progress }): Promise<string> {
  const root = join(cacheDir, 'act');
  const dir = join(root, version);
  const program = join(dir, 'act');
  if (existsSync(program)) return program;
  return withLock(join(root, 'lock'), { describe: 'act', progress }, async () => {
    if (existsSync(program)) return program;
    mkdirSync(root, { recursive: true });
    const staging = mkdtempSync(join(root, '.new-'));
    try {
      progress.step(`act ${version}: building it from its Go module (a few minutes, once)`);
      const argv = ['go', 'install', '-trimpath', '-ldflags', '-s -w', `github.com/nektos/act@v${version}`];
      await run(argv, { env: childEnvironment({ ...goEnvironment, GOBIN: staging }) });
      rmSync(dir, { recursive: true, force: true });
      renameSync(staging, dir);
      progress.done(`act ${version} built`);
    } finally {
      rmSync(staging, { recursive: true, force: true });
    }
    return program;
  });
}
