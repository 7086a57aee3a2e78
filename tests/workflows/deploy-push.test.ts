import { afterAll, beforeAll, expect, test } from 'vitest';
import { containersOf, gatewayctl, tearDown } from '../helpers/engine.ts';
import { completeTask, fetchResult, sha256, workerOf } from '../helpers/worker.ts';
import { makeWorkflowHost, type WorkflowHost } from '../helpers/workflow-host/workflow-host.ts';

const services = ['db', 'gateway', 'grafana', 'prometheus', 'redis'];

let host: WorkflowHost;

beforeAll(async () => {
  host = await makeWorkflowHost('push');
  await gatewayctl({ checkout: host.developer, root: host.root }, ['init', 'dev', '--bind-ip', '127.0.10.1']);
});

afterAll(async () => {
  await tearDown({ checkout: host.developer, root: host.root }, 'dev');
  host.remove();
});

test('deploy-push', async () => {
  const commit = (await host.developer.git('rev-parse', 'HEAD')).slice(0, 12);
  const run = await host.push('dev');
  expect(run.exitCode, run.output).toBe(0);
  expect(run.steps.map(({ name, result }) => `${name} ${result}`)).toEqual([
    'actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 success',
    'Toolchain success',
    'Doctor success',
    'Up success',
    'Verify success',
    'Summary success',
  ]);
  expect(Object.keys(await containersOf('taxlien-gateway-dev')).sort()).toEqual(services);
  const worker = workerOf(host.root, 'dev');
  const body = new TextEncoder().encode('deployed by a push');
  expect(sha256(await fetchResult(worker, await completeTask(worker, body)))).toBe(sha256(body));
  expect(run.summary).toContain('# dev: deployed\n');
  expect(run.summary).toContain(commit);
  for (const service of services) expect(run.summary).toMatch(new RegExp(`\\| ${service} \\| .* \\| healthy \\|`));
}, 900_000);
