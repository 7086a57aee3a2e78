import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { run } from '../../../host/process.ts';
import { startWorkflow } from './workflow-run.ts';

// GitHub's side of a push: runs every workflow of the pushed commit that has a trigger for its branch.

const hostDir = process.argv[2] ?? '';
const remote = join(hostDir, 'remote.git');

interface Workflow {
  readonly on?: { readonly push?: { readonly branches?: readonly string[] } };
}

async function workflowsFor(branch: string): Promise<readonly string[]> {
  const git = async (...args: string[]) => (await run(['git', '-C', remote, ...args])).stdout;
  const files = (await git('ls-tree', '--name-only', branch, '.github/workflows/')).split('\n').filter(Boolean);
  const wanted: string[] = [];
  for (const file of files) {
    const workflow = parse(await git('show', `${branch}:${file}`)) as Workflow;
    if (workflow.on?.push?.branches?.includes(branch)) wanted.push(file.slice('.github/workflows/'.length));
  }
  return wanted;
}

for (const line of readFileSync(0, 'utf8').trim().split('\n')) {
  const [before, after, ref = ''] = line.split(' ');
  const branch = ref.slice('refs/heads/'.length);
  for (const workflow of await workflowsFor(branch)) {
    const started = await startWorkflow(hostDir, { name: 'push', workflow, branch, payload: { before, after } });
    await started.ended;
  }
}
