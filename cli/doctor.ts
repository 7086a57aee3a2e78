import { findAll, findingText } from '../preflight/checks.ts';
import type { Finding } from '../preflight/finding.ts';
import { UserError } from '../settings/errors.ts';
import { type Environment, instanceOf, parseEnvironment } from '../settings/instance.ts';
import { loadSettings, SettingsError } from '../settings/load.ts';
import { readSource } from '../settings/source.ts';
import { findEngine } from './engine.ts';
import { print } from './output.ts';
import { checkoutDir } from './stack.ts';
import type { Verb } from './verb.ts';

export const doctor: Verb = {
  usage: '<env> [--json]',
  summary: 'say what is wrong, and what mends it',
  details: 'Looks at settings, host, daemon and data, and changes nothing. Exit 1 where a finding is an error.',
  options: { json: { type: 'boolean' } },
  words: [1, 1],
  async run({ words, options }) {
    const env = parseEnvironment(words[0]);
    const findings = await examine(env);
    const errors = findings.filter(({ severity }) => severity === 'error').length;
    if (options.json === true) print(JSON.stringify({ env, findings }));
    else {
      for (const finding of findings) print(`${finding.severity} ${findingText(finding)}`);
      print(
        findings.length === 0
          ? `${env}: all is well`
          : `${env}: ${errors} errors, ${findings.length - errors} warnings`,
      );
    }
    return errors === 0 ? 0 : 1;
  },
};

async function examine(env: Environment): Promise<readonly Finding[]> {
  const { root, dockerHost } = await findEngine(env);
  try {
    const settings = loadSettings(instanceOf(env, root), checkoutDir);
    return await findAll({ settings, source: await readSource(checkoutDir), dockerHost });
  } catch (error) {
    if (error instanceof SettingsError) return error.problems.map(settingsFinding);
    if (error instanceof UserError) return [settingsFinding(error)];
    throw error;
  }
}

function settingsFinding({ code, message, ...rest }: { code: string; message: string; fix?: string }): Finding {
  return { code, severity: 'error', message, why: 'Nothing can be deployed from these settings.', fix: rest.fix ?? '' };
}
