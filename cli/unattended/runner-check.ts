import { delimiter, join } from 'node:path';
import type { Finding } from '../../host/errors.ts';
import { UserError } from '../../host/errors.ts';
import { findProgram } from '../../host/paths.ts';
import { parseJson, readIfThere } from '../../host/whole-file.ts';

/** Programs that a job needs before `gatewayctl` installs the rest. */
const programs = ['git', 'npm', 'docker'] as const;

/**
 * The environment of the jobs of a self-hosted runner: from the runner's own `.env` and `.path`, not from a shell.
 * @param dir directory of the runner
 * @throws UserError E_RUNNER_CONFIG
 */
export function jobEnvironment(dir: string, { HOME, USER, PATH }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // .NET begins its files with a byte order mark.
  const read = (name: string) =>
    readIfThere(join(dir, name))
      ?.replace(/^\uFEFF/, '')
      .trim();
  if (read('.runner') === undefined) {
    throw new UserError(
      'E_RUNNER_CONFIG',
      `${join(dir, '.runner')}: no runner is configured there (got no such file)`,
      'Set one up as docs/runner.md says, or name its directory: ./gatewayctl runner check <directory>',
    );
  }
  // As the runner reads it: quotes and `#` are part of a value.
  const variables = (read('.env') ?? '').split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()]];
  });
  return { HOME, USER, ...Object.fromEntries(variables), PATH: read('.path') ?? PATH };
}

/** What the jobs of a runner lack, even if a shell of the same user has it. */
export function jobFindings(dir: string, job: NodeJS.ProcessEnv, shellPath: string): readonly Finding[] {
  const find = (program: string, path: string) => findProgram(program, path.split(delimiter));
  const restart = 'then restart the service: ./svc.sh stop && ./svc.sh start';
  const missing = programs
    .filter((program) => find(program, job.PATH ?? '') === undefined)
    .map((program): Finding => {
      const inShell = find(program, shellPath);
      return {
        code: 'E_RUNNER_PROGRAM',
        severity: 'error',
        message: `${join(dir, '.path')}: has no ${program} (got ${job.PATH})`,
        why: 'Every job needs it, and a service does not have the PATH of your shell.',
        fix:
          inShell === undefined
            ? `Install ${program}, then run the same command again.`
            : `printf '%s\\n' "$PATH" > ${join(dir, '.path')}, since this shell has it (${inShell}); ${restart}`,
      };
    });
  const configFile = join(job.DOCKER_CONFIG ?? join(job.HOME ?? '', '.docker'), 'config.json');
  const config = Object(parseJson(readIfThere(configFile)));
  const key = ['credsStore', 'credHelpers'].find((name) => config[name] !== undefined);
  if (key === undefined) return missing;
  const ownConfig = join(dir, 'docker-config');
  return [
    ...missing,
    {
      code: 'W_RUNNER_CREDENTIALS',
      severity: 'warning',
      message: `${configFile}: has a credential helper (got ${key} ${JSON.stringify(config[key])})`,
      why: 'It uses a key chain that is locked for a service: pulling a public image fails.',
      fix: `mkdir -p ${ownConfig} && echo DOCKER_CONFIG=${ownConfig} >> ${join(dir, '.env')}; ${restart}`,
    },
  ];
}
