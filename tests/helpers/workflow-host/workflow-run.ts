import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../host/process.ts';

/** The event with which GitHub would start a workflow. */
export interface WorkflowEvent {
  readonly name: 'push' | 'workflow_dispatch' | 'pull_request' | 'schedule';
  /** File in `.github/workflows/`. */
  readonly workflow: string;
  /** Branch whose head is checked out, and whose copy of the workflow runs. */
  readonly branch: string;
  /** Fields of the event file besides `ref`. */
  readonly payload?: Readonly<Record<string, unknown>>;
  /** Further arguments of `act`: `--job`, `--matrix`. */
  readonly actArgs?: readonly string[];
  /** Labels that run here besides `self-hosted`: `ubuntu-24.04`. */
  readonly hostedLabels?: readonly string[];
}

interface Step {
  readonly name: string;
  readonly result: 'success' | 'failure';
}

/** The result of a workflow run. */
export interface WorkflowRun {
  readonly exitCode: number;
  /** Steps that ran, in order; skipped ones are left out. */
  readonly steps: readonly Step[];
  /** The output of all steps. */
  readonly output: string;
  /** What the steps wrote to the job summary. */
  readonly summary: string;
}

/** One line of `act --json`, as far as it is read. */
interface LogLine {
  readonly msg?: string;
  readonly step?: string;
  readonly stage?: string;
  readonly stepResult?: 'success' | 'failure';
  readonly raw_output?: boolean;
  readonly command?: string;
  readonly content?: string;
}

export interface StartedRun {
  readonly act: ChildProcess;
  /** Output of the run so far. */
  readonly log: () => string;
  readonly ended: Promise<WorkflowRun>;
}

/**
 * Replaces GitHub and its runner: checks out the head of the branch in the one workspace as actions/checkout does,
 * writes the event, and runs the real workflow file there with `act` on this host.
 * @param hostDir as `makeWorkflowHost` created it
 */
export async function startWorkflow(hostDir: string, event: WorkflowEvent): Promise<StartedRun> {
  const workspace = await checkOut(hostDir, event.branch);
  const runs = join(hostDir, 'runs');
  mkdirSync(runs, { recursive: true });
  const id = `${readdirSync(runs).length + 1}`;
  const runDir = join(runs, id);
  mkdirSync(runDir);
  const eventFile = join(runDir, 'event.json');
  writeFileSync(eventFile, JSON.stringify({ ref: `refs/heads/${event.branch}`, ...event.payload }));
  const labels = ['self-hosted', ...(event.hostedLabels ?? [])];
  const args = [
    event.name,
    ...['--workflows', join(workspace, '.github/workflows', event.workflow)],
    ...['--eventpath', eventFile],
    ...['--directory', workspace],
    ...labels.flatMap((label) => ['--platform', `${label}=-self-hosted`]),
    ...['--action-cache-path', join(hostDir, 'act')],
    ...['--env', `GITHUB_RUN_ID=${id}`],
    '--action-offline-mode',
    '--json',
    ...(event.actArgs ?? []),
  ];
  const act = spawn(process.env.TEST_ACT ?? 'act', args, {
    cwd: workspace,
    // Without it npm waits minutes for a network that is not there; its cache has what it needs.
    env: { ...withoutGit(), NPM_CONFIG_OFFLINE: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  for (const stream of [act.stdout, act.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const log = () => Buffer.concat(chunks).toString('utf8');
  const ended = once(act, 'close').then(([code]) => {
    writeFileSync(join(runDir, 'log.jsonl'), log());
    const result = readRun(log(), (code as number | null) ?? 128);
    writeFileSync(join(runDir, resultFile), JSON.stringify(result));
    return result;
  });
  return { act, log: () => readRun(log(), 0).output, ended };
}

const resultFile = 'result.json';

/** The finished runs of a host in the order in which they began. */
export function endedRuns(hostDir: string): readonly WorkflowRun[] {
  const runs = join(hostDir, 'runs');
  mkdirSync(runs, { recursive: true });
  return readdirSync(runs)
    .sort((a, b) => Number(a) - Number(b))
    .map((id) => JSON.parse(readFileSync(join(runs, id, resultFile), 'utf8')) as WorkflowRun);
}

/** What actions/checkout does in an existing workspace, with `fetch-depth: 0`. */
async function checkOut(hostDir: string, branch: string): Promise<string> {
  const workspace = join(hostDir, 'workspace');
  const git = (...args: string[]) => run(['git', '-C', workspace, ...args], { env: withoutGit() });
  await git('fetch', '--quiet', '--prune', '--force', 'origin', '+refs/heads/*:refs/remotes/origin/*');
  await git('clean', '-ffdx', '--quiet');
  await git('reset', '--hard', '--quiet');
  await git('checkout', '--quiet', '--force', '-B', branch, `refs/remotes/origin/${branch}`);
  return workspace;
}

/** A hook's environment has variables that would direct every git to the bare repository. */
const withoutGit = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('GIT_')));

function readRun(log: string, exitCode: number): WorkflowRun {
  const lines = log.split('\n').map(readLine);
  return {
    exitCode,
    steps: lines.flatMap(({ step, stage, stepResult }) =>
      stepResult === undefined || stage !== 'Main' ? [] : [{ name: step ?? '', result: stepResult }],
    ),
    output: lines.flatMap(({ raw_output, msg }) => (raw_output === true ? [(msg ?? '').trimEnd()] : [])).join('\n'),
    summary: lines.flatMap(({ command, content }) => (command === 'summary' ? [content ?? ''] : [])).join('\n'),
  };
}

function readLine(line: string): LogLine {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    // What act prints before it logs as JSON; shown with the output.
    return { raw_output: true, msg: line };
  }
}
