import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../host/errors.ts';

/** What GitHub's runner keeps in its own directory, as far as jobs depend on it. */
export interface RunnerFiles {
  readonly dir: string;
  /** Of `.runner`, which `config.sh` writes; absent before. The labels stand at GitHub alone. */
  readonly registration?: { readonly agentName: string; readonly gitHubUrl: string };
  /** Of `.service`, which `svc.sh install` writes: a systemd unit, or the path of a LaunchAgent. */
  readonly service?: string;
  /** Of `.path`: PATH of every job. */
  readonly path?: string;
  /** Of `.env`: variables of every job. */
  readonly variables: Readonly<Record<string, string>>;
}

export function readRunnerFiles(dir: string): RunnerFiles {
  const read = (name: string) => {
    const file = join(dir, name);
    // .NET begins its files with a byte order mark.
    return existsSync(file) ? readFileSync(file, 'utf8').replace(/^\uFEFF/, '') : undefined;
  };
  const [registration, service, path] = [read('.runner'), read('.service')?.trim(), read('.path')?.trim()];
  return {
    dir,
    ...(registration === undefined ? {} : { registration: registrationOf(join(dir, '.runner'), registration) }),
    ...(service === undefined ? {} : { service }),
    ...(path === undefined ? {} : { path }),
    variables: Object.fromEntries(
      (read('.env') ?? '').split('\n').flatMap((line) => {
        const at = line.indexOf('=');
        return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1).trim()]];
      }),
    ),
  };
}

function registrationOf(file: string, text: string): NonNullable<RunnerFiles['registration']> {
  const { agentName = '', gitHubUrl = '' } = parseJson(file, text) as Readonly<Record<string, string>>;
  return { agentName, gitHubUrl };
}

/** @throws UserError E_JSON */
export function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError('E_JSON', `${file}: is no JSON (got ${(cause as Error).message})`, 'Mend or remove it.', {
      cause,
    });
  }
}

/** The environment that a job of the runner has. */
export const jobEnvironment = ({ path, variables }: RunnerFiles, own: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...own,
  ...variables,
  ...(path === undefined ? {} : { PATH: path }),
});
