import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { childEnvironment } from '../../../host/environment.ts';
import { UserError } from '../../../host/errors.ts';
import { findingText } from '../../../host/finding.ts';
import { print, table } from '../../../host/output.ts';
import { checkRunner, type RunnerReport } from '../../unattended/runner-check.ts';
import { readRunnerFiles } from '../../unattended/runner-files.ts';
import type { Verb } from '../verb.ts';

const usage = 'check [<directory of the runner>] [--json]';

export const runner: Verb = {
  usage,
  summary: 'say what a self-hosted runner of this user lacks',
  details:
    "Run it as the runner's user, in a checkout. Looks at the runner's own files (default: ~/actions-runner), programs, daemon, docker settings and instances as a job would find them, and changes nothing. Exit 1 where a finding is an error. docs/runner.md sets one up.",
  options: { json: { type: 'boolean' } },
  words: [1, 2],
  async run({ words: [action, directory], options }) {
    if (action !== 'check') {
      throw new UserError('E_USAGE', `runner: no such command (got ${action})`, `Usage: ./gatewayctl runner ${usage}`);
    }
    const { username, uid } = userInfo();
    const home = homedir();
    const report = await checkRunner({
      files: readRunnerFiles(resolve(directory ?? join(home, 'actions-runner'))),
      environment: childEnvironment({}),
      user: { name: username, uid, home },
      platform: process.platform,
    });
    print(options.json === true ? JSON.stringify(report) : reportText(report));
    return report.findings.some(({ severity }) => severity === 'error') ? 1 : 0;
  },
};

export function reportText({ directory, runner: found, user, dockerHost, root, instances, findings }: RunnerReport) {
  const labels = ['self-hosted', 'taxlien-gateway', ...instances];
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  return [
    table([
      ['runner', found === undefined ? `none in ${directory}` : `${found.agentName} of ${found.gitHubUrl}`],
      ['user', `${user}; a pull request's code runs as this user, unless previews are off (docs/runner.md)`],
      ['daemon', dockerHost],
      ['instances', `${instances.length === 0 ? 'none' : instances.join(', ')} in ${root}`],
      ['labels', `${labels.join(', ')} are needed; GitHub alone shows them: Settings, Actions, Runners`],
    ]),
    '',
    ...findings.map((each) => `${each.severity} ${findingText(each)}`),
    findings.length === 0 ? 'runner: all is well' : `runner: ${errors} errors, ${findings.length - errors} warnings`,
  ].join('\n');
}
