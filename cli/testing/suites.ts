import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { childEnvironment, type EnvironmentChanges, plainOutput } from '../../host/environment.ts';
import { UserError } from '../../host/errors.ts';
import { checkoutDir } from '../../host/git.ts';
import { note, type Progress, print } from '../../host/output.ts';
import { run } from '../../host/process.ts';
import { userDirs } from '../../settings/instance.ts';
import { ensureAct } from './act.ts';
import { countGoTests, type GoEvent, goJunit } from './test-go.ts';
import { withTestSandbox } from './test-sandbox.ts';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const reportsDir = join(checkoutDir, 'reports');

/** The suites of `tests/`, by the directory that holds each. */
export const suites = ['unit', 'engine', 'smoke', 'faults', 'workflows', 'soak'] as const;

export type Suite = (typeof suites)[number];

/** What runs when no suite is named: all but the long ones. */
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

/** Tests that run one after the other on one engine; parts run side by side, since a deploy mostly waits. */
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
  wishes: EnvironmentChanges,
  progress: Progress,
): Promise<Counts> {
  // Brought before: in the engine's network there is no way to a registry.
  const act = suite === 'smoke' || suite === 'workflows' ? await ensureAct({ ...userDirs(), progress }) : undefined;
  return withTestSandbox(name, progress, ({ enter, exports }) =>
    runVitest({ suite, name, args: [...args, ...filter] }, enter, { ...exports, ...wishes, TEST_ACT: act }),
  );
}

async function runVitest(
  { suite, name, args }: Part,
  enter: readonly string[],
  env: EnvironmentChanges = {},
): Promise<Counts> {
  const json = join(reportsDir, `${name}.json`);
  writeFileSync(json, '');
  const vitest = join(checkoutDir, 'node_modules', 'vitest', 'vitest.mjs');
  const reports = [
    '--reporter=default',
    '--reporter=junit',
    `--outputFile.junit=${join(reportsDir, `${name}.xml`)}`,
    '--reporter=json',
    `--outputFile.json=${json}`,
  ];
  const argv = [...enter, process.execPath, vitest, 'run', '--project', suite, ...reports, ...args];
  const { exitCode } = await run(argv, {
    cwd: checkoutDir,
    stdio: 'inherit',
    allowedExitCodes: 'any',
    env: childEnvironment({ ...env, ...plainOutput(process.stdout.isTTY) }),
  });
  const text = readFileSync(json, 'utf8');
  if (text === '') return { passed: 0, failed: 1, skipped: 0 };
  const report = JSON.parse(text) as { numPassedTests: number; numFailedTests: number; numPendingTests: number };
  const failed = report.numFailedTests;
  // A file that cannot even be loaded has no failed test, yet has failed.
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests,
  };
}

async function runGo(): Promise<Counts> {
  const events: GoEvent[] = [];
  const { exitCode, stderr } = await run(['go', 'test', '-json', './...'], {
    cwd: checkoutDir,
    allowedExitCodes: 'any',
    onLine: (line) => {
      if (!line.startsWith('{')) return;
      const event = JSON.parse(line) as GoEvent;
      events.push(event);
      if (event.Test === undefined && (event.Action === 'pass' || event.Action === 'fail')) {
        print(`${event.Action.padEnd(4)} ${event.Package} (${event.Elapsed ?? 0} s)`);
      }
    },
  });
  if (stderr !== '') note(stderr.trimEnd());
  writeFileSync(join(reportsDir, 'go.xml'), goJunit(events));
  const counts = countGoTests(events);
  for (const { output } of counts.failures) note(output);
  return { ...counts, failed: counts.failed === 0 && exitCode !== 0 ? 1 : counts.failed };
}

export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0 };

export const add = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

export const closingLine = ({ passed, failed, skipped }: Counts) =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;
