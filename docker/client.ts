import { ifRefused, UserError } from '../host/errors.ts';
import { type RunOptions, type RunResult, run } from '../host/process.ts';

export interface CallOptions extends Pick<RunOptions, 'stdin' | 'allowedExitCodes'> {
  /** Default: one minute. `unlimited` is for work whose time depends on the data or the network. */
  readonly timeoutMs?: number | 'unlimited';
}

export type ObjectKind = 'container' | 'image' | 'network' | 'volume';

/** Client of a Docker daemon. Each call runs the `docker` program. */
export class DockerClient {
  /** The daemon's address, in the form of DOCKER_HOST. */
  readonly host: string;

  constructor(host: string) {
    this.host = host;
  }

  /**
   * Runs `docker <args>`.
   * @throws ProcessError on an exit code that is not allowed and on a time-out
   */
  call(args: readonly string[], { timeoutMs = 60_000, ...options }: CallOptions = {}): Promise<RunResult> {
    const limit = timeoutMs === 'unlimited' ? {} : { timeoutMs };
    return run(['docker', '--host', this.host, ...args], { ...options, ...limit });
  }

  /** The lines that a call prints, without empty ones. */
  async lines(args: readonly string[], options: CallOptions = {}): Promise<readonly string[]> {
    return nonEmptyLines((await this.call(args, options)).stdout);
  }

  /** The containers that match all filters, running or not, one line each; default: their full ids. */
  ps(filters: readonly string[], format = '{{.ID}}'): Promise<readonly string[]> {
    const options = filters.flatMap((filter) => ['--filter', filter]);
    return this.lines(['ps', '--all', '--no-trunc', '--format', format, ...options]);
  }

  /**
   * What `docker inspect` returns for these objects; those that do not exist are left out.
   * @throws UserError E_DAEMON if the daemon does not answer
   */
  async inspect<T>(kind: ObjectKind, names: readonly string[]): Promise<readonly T[]> {
    if (names.length === 0) return [];
    const call = this.call([kind, 'inspect', ...names], { allowedExitCodes: [0, 1] });
    const { exitCode, stdout, stderr } = await call;
    const problem = exitCode === 0 ? undefined : inspectProblem(stderr);
    if (problem === undefined) return JSON.parse(stdout || '[]') as readonly T[];
    throw new UserError('E_DAEMON', `docker: no answer from ${this.host} (got ${problem})`, 'Start the daemon.');
  }

  /** The last lines that a container printed, stdout before stderr; docker's error if it has no logs. */
  async logs(container: string): Promise<string> {
    const { stdout, stderr } = await this.call(['logs', '--tail', '20', container], { allowedExitCodes: 'any' });
    return `${stdout}${stderr}`.trimEnd();
  }

  /** Whether a daemon answers. */
  async isAnswering(): Promise<boolean> {
    const call = this.call(['version', '--format', '{{.Server.Version}}'], { timeoutMs: 10_000 });
    return (await call.catch(ifRefused(undefined))) !== undefined;
  }
}

const nonEmptyLines = (text: string) => text.split('\n').filter((line) => line.trim() !== '');

/** `docker inspect` exits with 1 and `[]` if an object is missing, and also if no daemon answers. */
function inspectProblem(stderr: string): string | undefined {
  const lines = nonEmptyLines(stderr).filter((line) => !/^warning\b/i.test(line));
  // Engines differ: "Error: No such volume: x", "get x: no such volume", "network x not found".
  const isMissing = (line: string) =>
    /no such (container|image|network|volume|object)|network .* not found/i.test(line);
  return lines.length === 0 ? 'exit 1' : lines.find((line) => !isMissing(line));
}
