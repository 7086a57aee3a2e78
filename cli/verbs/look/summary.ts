import { print } from '../../../host/output.ts';
import { instanceOf, parseEnvironment } from '../../../settings/instance.ts';
import { examine } from '../../deploy/examine.ts';
import { readDeployRecord } from '../../deploy/record.ts';
import { deploySummary, undeployedSummary } from '../../reports/deploy-summary.ts';
import { findEngine } from '../../stack/engine.ts';
import type { Verb } from '../verb.ts';

export const summary: Verb = {
  usage: '<env> [--run <id>]',
  summary: 'print the last deploy as Markdown',
  details:
    'Commit, changes, what runs where, downtime of the ports, warnings; for a failed deploy also phase and cause.',
  options: { run: { type: 'string' } },
  optionHelp: { run: 'only the deploy with this id; if there is none, the findings of doctor' },
  words: [1, 1],
  async run({ words, options }) {
    const env = parseEnvironment(words[0]);
    const record = readDeployRecord(instanceOf(env, (await findEngine(env)).root));
    const isWanted = record !== undefined && (options.run === undefined || options.run === record.run);
    print(isWanted ? deploySummary(record) : undeployedSummary(env, (await examine(env)).findings));
    return 0;
  },
};
