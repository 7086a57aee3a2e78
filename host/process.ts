import { type ChildProcess, spawn } from 'node:child_process';
import { UserError } from './errors.ts';

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment of the child; default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Written to the child's standard input, which is then closed; default: no input. */
  readonly stdin?: string | Buffer;
  /** `inherit`: the child uses the terminal directly, nothing is captured. */
  readonly stdio?: 'capture' | 'inherit';
  /** Exit codes that are not an error; default only 0. */
  readonly allowedExitCodes?: readonly number[] | 'any';
  readonly timeoutMs?: number;
  /** After SIGINT/SIGTERM, return the child's exit code instead of throwing E_STOPPED. */
  readonly isStopOrderly?: boolean;
  /** Called with each complete line of stdout and stderr as it arrives. */
  readonly onLine?: (line: string) => void;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A child process that ended in a way that its caller does not allow. */
export class ProcessError extends UserError {
  readonly result: RunResult;
  /** Whether a signal from outside ended it. */
  readonly isKilled: boolean;

  constructor(argv: readonly string[], result: RunResult, reason: string, isKilled = false) {
    const lastLines = [result.stdout, result.stderr]
      .flatMap((text) => (text.trim() === '' ? [] : text.trim().split('\n').slice(-20)))
      .join('\n');
    super('E_PROCESS', `${argv.join(' ')}: ${reason}${lastLines === '' ? '' : `\n${lastLines}`}`, '');
    this.name = 'ProcessError';
    this.result = result;
    this.isKilled = isKilled;
  }
}

/**
 * Runs one program with an argument list, never through a shell. The only place that starts processes.
 * @throws ProcessError on an exit code that is not allowed, on a time-out and on a signal
 * @throws UserError E_NO_PROGRAM if the program does not exist
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError('run: empty argument list');
  const inherit = options.stdio === 'inherit';
  const output = inherit ? 'inherit' : 'pipe';
  // Before the child exists: a signal that arrives while it is started must stop it too.
  const stopping = stopWithThisProcess(inherit);
  const child = spawn(program, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
    stdio: [options.stdin !== undefined ? 'pipe' : inherit ? 'inherit' : 'ignore', output, output],
  });
  stopping.begin(child);
  const stdout = collect(child.stdout, options.onLine);
  const stderr = collect(child.stderr, options.onLine);
  // A child that exits before it has read everything breaks the pipe; its exit code says more.
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.stdin);
  let isTimedOut = false;
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          isTimedOut = true;
          child.kill('SIGKILL');
          // A surviving grandchild would keep them open.
          child.stdout?.destroy();
          child.stderr?.destroy();
        }, options.timeoutMs);
  const ended = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => reject(startError(program, options.cwd, error)));
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).finally(() => {
    clearTimeout(timer);
    stopping.release();
  });
  const result = { exitCode: ended.code ?? 128, stdout: stdout(), stderr: stderr() };
  if (isTimedOut) throw new ProcessError(argv, result, `still running after ${options.timeoutMs} ms, killed`);
  const signal = stopping.signal();
  if (signal !== undefined && options.isStopOrderly !== true) {
    throw new UserError(
      'E_STOPPED',
      `${program}: stopped, because gatewayctl got ${signal}`,
      'Run the same command again.',
    );
  }
  if (ended.signal !== null) throw new ProcessError(argv, result, `ended by ${ended.signal}`, true);
  const allowed = options.allowedExitCodes ?? [0];
  if (allowed !== 'any' && !allowed.includes(result.exitCode)) {
    throw new ProcessError(argv, result, `exit ${result.exitCode}`);
  }
  return result;
}

interface Stopping {
  /** Sets the child; a signal arrives only after the code that starts it has run. */
  readonly begin: (child: ChildProcess) => void;
  /** The signal that this process got while the child ran. */
  readonly signal: () => NodeJS.Signals | undefined;
  readonly release: () => void;
}

const stoppers = new Set<(signal: NodeJS.Signals) => void>();
const stopAll = (signal: NodeJS.Signals) => {
  for (const stop of stoppers) stop(signal);
};

/** Passes SIGINT and SIGTERM of this process on to the child, instead of orphaning it. */
function stopWithThisProcess(hasTerminal: boolean): Stopping {
  let child: ChildProcess | undefined;
  let got: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals) => {
    got = signal;
    // The terminal itself sends SIGINT to a child that shares it. SIGTERM for both signals: a child of a background job ignores SIGINT.
    if (signal === 'SIGTERM' || !hasTerminal) child?.kill('SIGTERM');
  };
  if (stoppers.size === 0) process.on('SIGINT', stopAll).on('SIGTERM', stopAll);
  stoppers.add(stop);
  return {
    begin(started) {
      child = started;
    },
    signal: () => got,
    release() {
      stoppers.delete(stop);
      if (stoppers.size === 0) process.off('SIGINT', stopAll).off('SIGTERM', stopAll);
    },
  };
}

function startError(program: string, cwd: string | undefined, error: NodeJS.ErrnoException): Error {
  if (error.code !== 'ENOENT') return error;
  const where = cwd === undefined ? '' : ` (working directory ${cwd})`;
  return new UserError('E_NO_PROGRAM', `${program}: not found${where}`, `Install ${program} or add it to PATH.`, {
    cause: error,
  });
}

function collect(stream: NodeJS.ReadableStream | null, onLine?: (line: string) => void): () => string {
  const chunks: Buffer[] = [];
  const decoder = new TextDecoder();
  let rest = '';
  stream?.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    if (onLine === undefined) return;
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  stream?.on('end', () => {
    if (rest !== '') onLine?.(rest);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
