import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ownEnvironment } from '../../../host/environment.ts';
import { findingText, UserError } from '../../../host/errors.ts';
import { checkoutDir } from '../../../host/git.ts';
import { print } from '../../../host/output.ts';
import { run } from '../../../host/process.ts';
import { instanceOf, instancesRoot } from '../../../settings/instance.ts';
import { environments } from '../../../settings/services.ts';
import { jobEnvironment, jobFindings } from '../../unattended/runner-check.ts';
import type { Verb } from '../verb.ts';

const usage = 'check [<directory of the runner>]';

export const runner: Verb = {
  usage,
  summary: 'run doctor as a job of a self-hosted runner does',
  details:
    "Run it as the runner's user. Checks the PATH and the docker configuration that the runner's files (default: ~/actions-runner) give its jobs, then runs doctor for each instance in their environment. Changes nothing. Exit 1 if a finding is an error.",
  words: [1, 2],
  async run({ words: [action, directory] }) {
    if (action !== 'check') {
      throw new UserError('E_USAGE', `runner: no such command (got ${action})`, `Usage: ./gatewayctl runner ${usage}`);
    }
    const dir = resolve(directory ?? join(homedir(), 'actions-runner'));
    const job = jobEnvironment(dir, ownEnvironment);
    const findings = jobFindings(dir, job, ownEnvironment.PATH ?? '');
    for (const finding of findings) print(findingText(finding));
    if (findings.some(({ severity }) => severity === 'error')) return 1;
    const root = instancesRoot(job);
    const instances = environments.filter((env) => existsSync(instanceOf(env, root).envFile));
    if (instances.length === 0)
      print(`${root}: has no instance; create one: ./gatewayctl init <env> --bind-ip <address>`);
    let worst = 0;
    for (const env of instances) {
      // Not through ./gatewayctl, which may install packages.
      const argv = [process.execPath, ...process.execArgv, join(checkoutDir, 'cli/main.ts'), 'doctor', env];
      worst = Math.max(worst, (await run(argv, { env: job, stdio: 'inherit', allowedExitCodes: 'any' })).exitCode);
    }
    return worst;
  },
};
