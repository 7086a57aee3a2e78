import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { goBuildCommand, goEnvironment } from '../../bootstrap/toolchain/go-build.ts';
import { childEnvironment } from '../../host/environment.ts';
import { withLock } from '../../host/lock.ts';
import { terminalProgress } from '../../host/output.ts';
import { run } from '../../host/process.ts';
import { userDirs } from '../../settings/instance.ts';

const moduleDir = join(import.meta.dirname, '../compose');

/** Path of the real Compose v2 that tests/compose pins; built once into the user's cache. */
export async function composeProgram(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(moduleDir, file)));
  const dir = join(userDirs().cacheDir, 'tests', `compose-${hash.digest('hex').slice(0, 16)}`);
  const program = join(dir, 'docker-compose');
  const progress = terminalProgress();
  mkdirSync(dir, { recursive: true });
  await withLock(join(dir, 'lock'), { describe: 'Compose for the tests', progress }, async () => {
    if (existsSync(program)) return;
    const draft = `${program}.new`;
    const build = { module: 'compose', package: 'github.com/docker/compose/v2/cmd', version: 'v2.40.3' };
    rmSync(draft, { force: true });
    progress.step('tests: building Docker Compose from its Go module (takes a few minutes, once)');
    await run(['nice', ...goBuildCommand(build, draft)], { cwd: moduleDir, env: childEnvironment(goEnvironment) });
    renameSync(draft, program);
    progress.done('tests: Docker Compose built');
  });
  return program;
}
