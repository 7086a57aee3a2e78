import { findingText } from '../../../host/errors.ts';
import { print } from '../../../host/output.ts';
import { parseEnvironment } from '../../../settings/instance.ts';
import { examine } from '../../deploy/examine.ts';
import type { Verb } from '../verb.ts';

export const doctor: Verb = {
  usage: '<env> [--json]',
  summary: 'say what is wrong, and what mends it',
  details: 'Looks at settings, host, daemon and data, and changes nothing. Exit 1 where a finding is an error.',
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
          ? `${env}: all is well (checks ${tookMs.checks} ms, logins ${tookMs.logins} ms)`
          : `${env}: ${errors} errors, ${findings.length - errors} warnings`,
      );
    }
    return errors === 0 ? 0 : 1;
  },
};
