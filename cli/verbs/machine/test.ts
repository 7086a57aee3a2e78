import { mkdirSync } from 'node:fs';
import type { EnvironmentChanges } from '../../../host/environment.ts';
import { UserError } from '../../../host/errors.ts';
import { print } from '../../../host/output.ts';
import {
  add,
  closingLine,
  noCounts,
  partsOf,
  reportsDir,
  runInSandbox,
  runUnit,
  standardSuites,
  suites,
  suitesFor,
  timed,
} from '../../testing/suites.ts';
import { cleanUpOnSignal } from '../../testing/test-sandbox.ts';
import type { Invocation, Verb } from '../verb.ts';

export const test: Verb = {
  usage: '[<suite>|all] [--filter <file>] [--write] [--minutes <n>] [--seed <n>] [--fault <id,...>]',
  summary: 'run the tests',
  details: `Suites: ${suites.join(', ')}. Default: ${standardSuites.join(', ')}. All but unit run on their own Docker engine and touch nothing of this host. Reports: reports/*.xml.`,
  options: {
    filter: { type: 'string' },
    write: { type: 'boolean' },
    minutes: { type: 'string' },
    seed: { type: 'string' },
    fault: { type: 'string' },
  },
  optionHelp: {
    filter: 'run only test files whose path contains this',
    write: 'faults, soak: write the results to docs/reliability.md',
    minutes: 'soak: stop deploying after this time',
    seed: 'faults: repeat the timing of an earlier run',
    fault: 'faults: run only these',
  },
  words: [0, 1],
  async run({ words, options, progress }) {
    const wanted = suitesFor(words[0]);
    const filter = typeof options.filter === 'string' ? [options.filter] : [];
    const variables = variablesOf(options);
    mkdirSync(reportsDir, { recursive: true });
    cleanUpOnSignal();
    const unit = wanted.includes('unit') ? await timed('unit', () => runUnit(filter)) : noCounts;
    const parts = wanted.flatMap((suite) => partsOf(suite, filter));
    const counts = await Promise.all(
      parts.map((part) => timed(part.name, () => runInSandbox(part, filter, variables, progress))),
    );
    const total = counts.reduce(add, unit);
    print(closingLine(total));
    return total.failed === 0 && total.passed > 0 ? 0 : 1;
  },
};

/** Options of the long suites, as the environment variables that their tests read. */
function variablesOf(options: Invocation['options']): EnvironmentChanges {
  const optionOf = (name: string, form: RegExp, example: string) => {
    const value = options[name];
    if (value === undefined || form.test(`${value}`)) return value === undefined ? undefined : `${value}`;
    throw new UserError('E_USAGE', `test: --${name} is invalid (got ${value})`, `Usage: --${name} ${example}`);
  };
  return {
    TEST_WRITE: options.write === true ? 'true' : undefined,
    TEST_MINUTES: optionOf('minutes', /^[1-9]\d?$/, '25'),
    TEST_SEED: optionOf('seed', /^\d{1,9}$/, '4711'),
    TEST_FAULTS: optionOf('fault', /^F\d\d(,F\d\d)*$/, 'F01,F12'),
  };
}
