import { type CallOptions, DockerClient } from '../../docker/client.ts';
import { ProcessError, type RunResult } from '../../host/process.ts';

/** A daemon with scripted answers; a call without an answer fails. */
export class FakeDocker extends DockerClient {
  /** The arguments of each call. */
  readonly calls: string[] = [];
  readonly #answer: (args: readonly string[]) => Partial<RunResult> | undefined;

  constructor(answer: (args: readonly string[]) => Partial<RunResult> | undefined) {
    super('unix:///fake.sock');
    this.#answer = answer;
  }

  override async call(args: readonly string[], { allowedExitCodes = [0] }: CallOptions = {}): Promise<RunResult> {
    this.calls.push(args.join(' '));
    const answer = this.#answer(args);
    if (answer === undefined) throw new Error(`no answer to docker ${args.join(' ')}`);
    const result = { exitCode: 0, stdout: '', stderr: '', ...answer };
    if (allowedExitCodes === 'any' || allowedExitCodes.includes(result.exitCode)) return result;
    throw new ProcessError(['docker', ...args], result, `exit ${result.exitCode}`);
  }
}
