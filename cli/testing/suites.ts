import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment, type EnvironmentChanges, plainOutput } from '../../host/environment.ts';
import { UserError } from '../../host/errors.ts';
import { checkoutDir } from '../../host/git.ts';
import { note, type Progress } from '../../host/output.ts';
import { run } from '../../host/process.ts';
import { userDirs } from '../../settings/instance.ts';
import { ensureAct } from './act.ts';
import { withTestSandbox } from './test-sandbox.ts';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const gotestsum = 'gotest.tools/gotestsum@v1.13.0';

export const reportsDir = join(checkoutDir, 'reports');

/** The suites: directories of `tests/`. */
export const suites = ['unit', 'engine', 'smoke', 'faults', 'workflows', 'soak'] as const;

export type Suite = (typeof suites)[number];

/** What runs if no suite is named: all but the long ones. */
export const standardSuites: readonly Suite[] = ['unit', 'engine', 'smoke'];

export function suitesFor(word: string | undefined): readonly Suite[] {
  const isThere = (suite: Suite) => existsSync(join(checkoutDir, 'tests', suite));
  if (word === undefined) return standardSuites.filter(isThere);
  if (word === 'all') return suites.filter(isThere);
  const suite = suites.find((name) => name === word);
  if (suite !== undefined && isThere(suite)) return [suite];
  throw new UserError(
    'E_NO_SUITE',
    `test: no such suite here (got ${word})`,
    `Name one of ${[...suites.filter(isThere), 'all'].join(', ')}.`,
  );
}

export async function runUnit(filter: readonly string[]): Promise<Counts> {
  const go = filter.length > 0 ? noCounts : await runGo();
  return add(go, await runVitest({ suite: 'unit', name: 'unit', args: ['--coverage', ...filter] }, []));
}

/** Tests that run in sequence on one engine; parts run in parallel, since a deploy mostly waits. */
export interface Part {
  readonly suite: Suite;
  readonly name: string;
  readonly args: readonly string[];
}

export function partsOf(suite: Suite, filter: readonly string[]): readonly Part[] {
  if (suite === 'unit') return [];
  if (suite !== 'engine' || filter.length > 0) return [{ suite, name: suite, args: [] }];
  return [1, 2].map((shard) => ({ suite, name: `${suite}-${shard}`, args: [`--shard=${shard}/2`] }));
}

export async function timed(name: string, work: () => Promise<Counts>): Promise<Counts> {
  const startedMs = Date.now();
  const counts = await work();
  note(`${name}: ${closingLine(counts)} in ${Math.round((Date.now() - startedMs) / 1000)} s`);
  return counts;
}

export async function runInSandbox(
  { suite, name, args }: Part,
  filter: readonly string[],
  variables: EnvironmentChanges,
  progress: Progress,
): Promise<Counts> {
  // Installed first: the engine's network has no route to a registry.
  const act = suite === 'smoke' || suite === 'workflows' ? await ensureAct({ ...userDirs(), progress }) : undefined;
  return withTestSandbox(name, progress, ({ enter, exports }) =>
    runVitest({ suite, name, args: [...args, ...filter] }, enter, { ...exports, ...variables, TEST_ACT: act }),
  );
}

function runVitest(
  { suite, name, args }: Part,
  enter: readonly string[],
  env: EnvironmentChanges = {},
): Promise<Counts> {
  const vitest = join(checkoutDir, 'node_modules', 'vitest', 'vitest.mjs');
  return runReporting(name, env, (report) => [
    ...[...enter, process.execPath, vitest, 'run', '--project', suite],
    ...['--reporter=default', '--reporter=junit', `--outputFile.junit=${report}`, ...args],
  ]);
}

const runGo = () =>
  runReporting('go', {}, (report) => ['go', 'run', gotestsum, '--format', 'standard-quiet', '--junitfile', report]);

/** Runs a command that writes a JUnit report, and reads its counts. */
async function runReporting(name: string, env: EnvironmentChanges, argv: (report: string) => readonly string[]) {
  const report = join(reportsDir, `${name}.xml`);
  writeFileSync(report, '');
  const { exitCode } = await run(argv(report), {
    cwd: checkoutDir,
    stdio: 'inherit',
    allowedExitCodes: 'any',
    env: childEnvironment({ ...env, ...plainOutput(process.stdout.isTTY) }),
  });
  return countsOf(readFileSync(report, 'utf8'), exitCode);
}

/** Counts of a JUnit report, whose texts are escaped. */
export function countsOf(junit: string, exitCode: number): Counts {
  const cases = junit.split('<testcase ').slice(1);
  const failed = cases.filter((text) => text.includes('<failure')).length;
  const skipped = cases.filter((text) => text.includes('<skipped')).length;
  // A run without a report, or with an error outside its tests, has failed too.
  const isBroken = failed === 0 && (exitCode !== 0 || cases.length === 0);
  return { passed: cases.length - failed - skipped, failed: isBroken ? 1 : failed, skipped };
}

export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0 };

export const add = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

export const closingLine = ({ passed, failed, skipped }: Counts) =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;
