import { childEnvironment, isWatched, plainOutput } from '../../host/environment.ts';
import { UserError } from '../../host/errors.ts';
import { print } from '../../host/output.ts';
import { type RunOptions, type RunResult, run } from '../../host/process.ts';
import { endWithVariable } from '../../host/processes.ts';
import type { Instance } from '../../settings/instance.ts';
import type { Stack } from './stack.ts';

/** Set for every process of a deploy; its value is the instance's directory. */
export const markName = 'TAXLIEN_GATEWAY_DEPLOYS';

/**
 * Kills processes that outlived a killed Pulumi; its language host would wait forever. The caller holds the instance's
 * lock, and no Pulumi runs. Linux only: elsewhere the environment of a process cannot be read.
 * @returns the number of killed processes
 */
export const endLeftovers = ({ dir }: Instance): Promise<number> => endMarked(`${markName}=${dir}`);

/** Set for every process of one run of Pulumi. */
const runName = 'TAXLIEN_GATEWAY_RUN';
let runs = 0;

/** Runs `pulumi` as `run` does, then kills what a stopped one left running: its language host would wait forever. */
export async function runPulumiProcess(args: readonly string[], options: RunOptions): Promise<RunResult> {
  runs += 1;
  const id = `${process.pid}-${runs}`;
  try {
    return await run(['pulumi', ...args], { ...options, env: { ...options.env, [runName]: id } });
  } finally {
    await endMarked(`${runName}=${id}`);
  }
}

const endMarked = (entry: string) => endWithVariable(entry, 3_000);

/**
 * Runs `pulumi` in the checkout. It inherits a terminal; in a log, its lines that report no change are left out.
 * @returns its exit code
 */
export async function runPulumi(stack: Stack, args: readonly string[]): Promise<number> {
  // A preview holds no lock: it must not be killed as a leftover.
  const mark = args[0] === 'preview' ? {} : { [markName]: stack.instance.dir };
  const env = childEnvironment({ ...stack.exports, ...plainOutput(isWatched()), ...mark });
  const common = { cwd: stack.checkoutDir, env, allowedExitCodes: 'any', isStopOrderly: true } as const;
  if (isWatched()) return (await runPulumiProcess(args, { ...common, stdio: 'inherit' })).exitCode;
  const onLine = (line: string) => {
    if (!isNoise(line)) print(line);
  };
  return (await runPulumiProcess([...args, '--color', 'never'], { ...common, onLine })).exitCode;
}

/** Runs `pulumi` as `runPulumi` does. @throws UserError E_PULUMI if it fails; its output says why */
export async function runPulumiOrFail(stack: Stack, args: readonly string[]): Promise<void> {
  const exitCode = await runPulumi(stack, args);
  if (exitCode === 0) return;
  throw new UserError(
    'E_PULUMI',
    `${args[0]} ${stack.instance.env}: failed (got exit ${exitCode} of pulumi)`,
    'Fix the errors above, then run the same command again.',
  );
}

/** Lines of Pulumi's plain display that report a refresh, a wait or no change. */
export const isNoise = (line: string) =>
  line.startsWith('@ ') || /^ ~ {2}\S+ \S+ refresh(ing)? \(/.test(line) || /^ {4}[a-z]+:[a-z]+:\S+ \S+ *$/i.test(line);

/** The stack's outputs, as `pulumi stack output` prints them; secret ones are hidden. */
export async function readOutputs(stack: Stack): Promise<StackOutputs> {
  const options = { cwd: stack.checkoutDir, env: childEnvironment(stack.exports) };
  return JSON.parse((await runPulumiProcess(['stack', 'output', '--json'], options)).stdout) as StackOutputs;
}

/** The exports of index.ts that are shown. */
export interface StackOutputs {
  readonly commit: string;
  readonly network: string;
  readonly urls: Readonly<Record<string, string>>;
  readonly volumes: Readonly<Record<string, { readonly name: string; readonly hostPath: string }>>;
}
