import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../../host/process.ts';
import { type Checkout, copyCheckout, instancesDir } from '../engine.ts';
import { setGatewayVersion } from '../gateway-version.ts';
import { endedRuns, type StartedRun, startWorkflow, type WorkflowEvent, type WorkflowRun } from './workflow-run.ts';

/** A stand-in for GitHub and one runner: a bare remote whose hook runs the real workflow files on this host. */
export interface WorkflowHost {
  /** A developer's clone: change, commit, push. */
  readonly developer: Checkout;
  /** Root of the instances on the runner's host. */
  readonly root: string;
  /** Commits all that was changed in the clone. Resolves to the commit. */
  commit(message: string): Promise<string>;
  /** Commits another gateway. Resolves to the commit. */
  changeGateway(): Promise<string>;
  /** Pushes the clone's head to a branch and waits for the one workflow that this starts. */
  push(branch: string): Promise<WorkflowRun>;
  /** Pushes the clone's head to a branch and starts nothing. */
  store(branch: string): Promise<void>;
  /** Starts a workflow as by hand, by schedule or by a pull request, and waits for its end. */
  run(event: WorkflowEvent): Promise<WorkflowRun>;
  /** The same, without waiting. */
  start(event: WorkflowEvent): Promise<StartedRun>;
  remove(): void;
}

/** Runs on the engine of this test; the test creates the instances, as their owner would. */
export async function makeWorkflowHost(name: string): Promise<WorkflowHost> {
  const dir = mkdtempSync(join(instancesDir(), `${name}-github-`));
  chmodSync(dir, 0o755);
  const root = join(dir, 'instances');
  mkdirSync(root);
  // The hook and everything that it starts read it.
  process.env.TAXLIEN_GATEWAY_ROOT = root;
  const remote = join(dir, 'remote.git');
  await run(['git', 'init', '--quiet', '--bare', remote]);
  const hook = join(remote, 'hooks', 'post-receive');
  const script = join(import.meta.dirname, 'post-receive.ts');
  writeFileSync(hook, `#!/bin/sh\nexec '${process.execPath}' '${script}' '${dir}'\n`);
  chmodSync(hook, 0o755);
  await run(['git', 'clone', '--quiet', remote, join(dir, 'workspace')]);
  const developer = await copyCheckout(name, dir);
  await developer.git('remote', 'add', 'origin', remote);
  const start = (event: WorkflowEvent) => startWorkflow(dir, event);
  const commit = async (message: string) => {
    await developer.git('add', '--all');
    await developer.git('commit', '--quiet', '--message', message);
    return developer.git('rev-parse', 'HEAD');
  };
  let changes = 0;
  return {
    developer,
    root,
    start,
    commit,
    changeGateway() {
      changes += 1;
      setGatewayVersion(developer.dir, `3.0.${changes}`);
      return commit(`gateway: change ${changes}`);
    },
    async push(branch) {
      const before = endedRuns(dir).length;
      await developer.git('push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
      const runs = endedRuns(dir).slice(before);
      if (runs[0] === undefined || runs.length > 1) throw new Error(`${runs.length} workflows ran after the push`);
      return runs[0];
    },
    async store(branch) {
      // A fetch by the bare repository runs no hook.
      await run(['git', '-C', remote, 'fetch', '--quiet', developer.dir, `+HEAD:refs/heads/${branch}`]);
    },
    run: async (event) => (await start(event)).ended,
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
