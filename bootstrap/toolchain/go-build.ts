import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { childEnvironment, type EnvironmentChanges } from '../../host/environment.ts';
import { UserError } from '../../host/errors.ts';
import type { Progress } from '../../host/output.ts';
import { ProcessError, run } from '../../host/process.ts';
import type { GoBuild, Unit } from './parts.ts';
import type { Attempt } from './sources.ts';

const tickMs = 1_000;

/** Arguments that build one program the same way everywhere. */
export function goBuildCommand(build: GoBuild, outputFile: string): readonly string[] {
  const stamp = build.stamp === undefined ? [] : ['-X', `${build.stamp.variable}=${build.stamp.text}`];
  return [
    'go',
    'build',
    '-v',
    '-mod=readonly',
    '-trimpath',
    '-buildvcs=false',
    '-ldflags',
    ['-s', '-w', ...stamp].join(' '),
    '-o',
    outputFile,
    build.package,
  ];
}

/** The user's own settings of these would change the build; caches, proxy and checksum database stay the user's. */
export const goEnvironment: EnvironmentChanges = { CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off', GOOS: '', GOARCH: '' };

/**
 * Builds a unit's programs from the pinned Go modules.
 * @throws UserError E_GO_BUILD with the compiler's last lines
 */
export async function buildFromGo(
  unit: Unit,
  { moduleRoot, stagingDir, progress }: { moduleRoot: string; stagingDir: string; progress: Progress },
): Promise<Attempt> {
  for (const { build, file, program } of unit.parts) {
    const cwd = join(moduleRoot, build.module);
    const problem = await goProblem(cwd);
    if (problem !== undefined) return { problem };
    const outputFile = join(stagingDir, file);
    mkdirSync(dirname(outputFile), { recursive: true });
    progress.step(`toolchain: building ${program} ${build.version} from its Go module (takes a few minutes, once)`);
    await compile(goBuildCommand(build, outputFile), cwd, program, progress);
    progress.done(`toolchain: ${program} ${build.version} built`);
  }
  return {
    parts: unit.parts.map(({ build }) => ({
      version: build.version,
      origin: 'built',
      source: `bootstrap/toolchain/${build.module}/go.mod`,
    })),
  };
}

async function compile(argv: readonly string[], cwd: string, program: string, progress: Progress): Promise<void> {
  let compiled = 0;
  let downloaded = 0;
  const onLine = (line: string) => {
    if (line.startsWith('go: downloading ')) downloaded += 1;
    else compiled += 1;
  };
  const timer = setInterval(() => {
    progress.tick(`toolchain: ${program}: ${downloaded} modules downloaded, ${compiled} packages compiled`);
  }, tickMs);
  try {
    await run(argv, { cwd, env: childEnvironment(goEnvironment), onLine });
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    throw new UserError(
      'E_GO_BUILD',
      `${program}: ${cause.message}`,
      `Check that Go reaches its module proxy (go env GOPROXY). To see the whole error: cd ${cwd} && go build -mod=readonly ${argv.at(-1)}`,
      { cause },
    );
  } finally {
    clearInterval(timer);
  }
}

/** Why Go cannot build a module: not installed, or too old and not allowed to fetch a newer one. */
async function goProblem(moduleDir: string): Promise<string | undefined> {
  try {
    // Reads only go.mod, so that only the Go version can make it fail.
    await run(['go', 'list', '-m'], { cwd: moduleDir, env: childEnvironment(goEnvironment) });
    return undefined;
  } catch (error) {
    if (error instanceof ProcessError) return error.result.stderr.trim().split('\n').at(-1) ?? error.message;
    if (error instanceof UserError && error.code === 'E_NO_PROGRAM') return 'Go is not on PATH';
    throw error;
  }
}
