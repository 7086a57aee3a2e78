import { findingText } from '../../../host/errors.ts';
import { print } from '../../../host/output.ts';
import { parseEnvironment } from '../../../settings/instance.ts';
import { examine } from '../../deploy/examine.ts';
import type { Verb } from '../verb.ts';

export const doctor: Verb = {
  usage: '<env> [--json]',
  summary: 'report what is wrong and how to fix it',
  details: 'Checks settings, host, daemon and data; changes nothing. Exit 1 if a finding is an error.',
  options: { json: { type: 'boolean' } },
  words: [1, 1],
  async run({ words, options }) {
    const env = parseEnvironment(words[0]);
    const { findings, tookMs } = await examine(env);
    const errors = findings.filter(({ severity }) => severity === 'error').length;
    if (options.json === true) print(JSON.stringify({ env, findings, tookMs }));
    else {
      for (const finding of findings) print(findingText(finding));
      print(
        findings.length === 0
          ? `${env}: no problems found (checks ${tookMs.checks} ms, logins ${tookMs.logins} ms)`
          : `${env}: ${errors} errors, ${findings.length - errors} warnings`,
      );
    }
    return errors === 0 ? 0 : 1;
  },
};
