import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { containerIds, containersOf, docker, eventually, gatewayctl, tearDown, workTree } from '../helpers/engine.ts';
import { isWriting } from '../helpers/reliability.ts';
import { summaryPicture } from '../helpers/summary-picture.ts';
import { completeTask, fetchResult, sha256, workerOf } from '../helpers/worker.ts';
import { cancelRun } from '../helpers/workflow-host/cancel.ts';
import { makeWorkflowHost, type WorkflowHost } from '../helpers/workflow-host/workflow-host.ts';
import type { WorkflowRun } from '../helpers/workflow-host/workflow-run.ts';

const dev = 'taxlien-gateway-dev';
const services = ['db', 'gateway', 'grafana', 'prometheus', 'redis'];
const body = new TextEncoder().encode('kept through all deploys');

let host: WorkflowHost;
let first: { readonly commit: string; readonly image: string | undefined };
let taskId: string;
let kept: Readonly<Record<string, string>>;

const shell = () => ({ checkout: host.developer, root: host.root });
const inDev = (path: string) => join(host.root, 'dev', path);
const gatewayFile = (name: string) => join(host.developer.dir, 'cmd/gateway', name);
const results = ({ steps }: WorkflowRun) => steps.slice(1).map(({ name, result }) => `${name} ${result}`);

/** Digests of the files that belong to the owner of the instance. */
function instanceFiles(): Readonly<Record<string, string>> {
  const raw = readdirSync(inDev('data/raw'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const files = [inDev('.env'), inDev('docker-compose.override.yml'), ...raw.sort()];
  return Object.fromEntries(files.map((file) => [file, sha256(readFileSync(file))]));
}

const gatewayImage = async () => (await containersOf(dev)).gateway?.Image;

beforeAll(async () => {
  host = await makeWorkflowHost('deploys');
  await gatewayctl(shell(), ['init', 'dev', '--bind-ip', '127.0.10.1']);
  await gatewayctl(shell(), ['init', 'stage', '--bind-ip', '127.0.10.2']);
  writeFileSync(
    inDev('docker-compose.override.yml'),
    'services:\n  grafana:\n    environment:\n      GF_USERS_DEFAULT_THEME: dark\n',
  );
  const commit = await host.developer.git('rev-parse', 'HEAD');
  const run = await host.push('dev');
  expect(run.exitCode, run.output).toBe(0);
  first = { commit, image: await gatewayImage() };
  taskId = await completeTask(workerOf(host.root, 'dev'), body);
  kept = instanceFiles();
  expect(Object.keys(kept).length).toBeGreaterThan(2);
});

afterAll(async () => {
  await tearDown(shell(), 'dev', 'stage');
  host.remove();
});

test('change-push', async () => {
  const before = await containerIds(dev);
  const commit = (await host.changeGateway()).slice(0, 12);
  const run = await host.push('dev');
  expect(run.exitCode, run.output).toBe(0);
  const after = await containerIds(dev);
  expect(services.filter((service) => before[service] !== after[service])).toEqual(['gateway']);
  expect(run.summary).toContain(commit);
  expect(run.summary).toMatch(/\| gateway \| .* \| healthy \| \d+\.\d s \|/);
  expect(run.summary).toMatch(/\| db \| .* \| healthy \| none \|/);
  expect(run.summary).toMatch(/^\| replace \| gateway \|/m);
  if (isWriting) writeFileSync(join(workTree, 'docs', 'job-summary.svg'), summaryPicture(run.summary));
});

test('broken-push-keeps-old', async () => {
  const before = await containerIds(dev);
  writeFileSync(gatewayFile('extra.go'), 'package main\n\nfunc init() { panic("broken at start") }\n');
  await host.commit('gateway: broken');
  const run = await host.push('dev');
  rmSync(gatewayFile('extra.go'));
  await host.commit('gateway: fixed');
  expect(run.exitCode).not.toBe(0);
  expect(results(run)).toEqual(['Toolchain success', 'Doctor success', 'Up failure', 'Summary success']);
  expect(run.summary).toContain('# dev: the deploy failed\n');
  expect(run.summary).toContain('## Failed: prove the new gateway\n');
  expect(run.summary).toContain('panic: broken at start');
  expect(await containerIds(dev)).toEqual(before);
  expect(sha256(await fetchResult(workerOf(host.root, 'dev'), taskId))).toBe(sha256(body));
});

test('dispatch-older', async () => {
  const dispatch = (commit: string) =>
    host.run({
      name: 'workflow_dispatch',
      workflow: 'deploy.yml',
      branch: 'dev',
      payload: { inputs: { environment: 'dev', action: 'up', commit } },
    });
  await host.changeGateway();
  const newer = await host.push('dev');
  expect(newer.exitCode, newer.output).toBe(0);
  const before = await containerIds(dev);
  expect(await gatewayImage()).not.toBe(first.image);
  const refused = await dispatch('0'.repeat(40));
  expect(refused.exitCode).not.toBe(0);
  expect(refused.output).toContain('not on the branch origin/dev');
  expect(results(refused)).toEqual(['Commit failure', 'Summary success']);
  expect(refused.summary).toContain('# dev: nothing was deployed\n');
  expect(await containerIds(dev)).toEqual(before);
  const run = await dispatch(first.commit);
  expect(run.exitCode, run.output).toBe(0);
  expect(await gatewayImage()).toBe(first.image);
  expect(run.summary).toContain(first.commit.slice(0, 12));
});

test('drift-found', async () => {
  const actArgs = ['--matrix', 'environment:dev'];
  const look = () => host.run({ name: 'schedule', workflow: 'drift.yml', branch: 'dev', actArgs });
  const clean = await look();
  expect(clean.exitCode, clean.output).toBe(0);
  expect(clean.summary).toContain('dev: nothing was changed by hand.');
  await docker('rm', '--force', `${dev}-redis`);
  const found = await look();
  expect(found.exitCode).not.toBe(0);
  expect(found.summary).toMatch(/^- redis: is gone$/m);
  expect(found.summary).not.toContain('- gateway');
  expect(Object.keys(await containersOf(dev))).not.toContain('redis');
});

test('cancelled-run-recovers', async () => {
  await host.changeGateway();
  await host.store('dev');
  const started = await host.start({ name: 'push', workflow: 'deploy.yml', branch: 'dev' });
  const swap = /docker:index:Container taxlien-gateway (deleting|replacing|creating)/;
  await eventually('the gateway is swapped', 600_000, async () => (swap.test(started.log()) ? true : undefined));
  await cancelRun(started);
  const cancelled = await started.ended;
  expect(cancelled.exitCode).not.toBe(0);
  expect(results(cancelled)).toEqual(['Toolchain success', 'Doctor success', 'Up failure', 'Summary success']);
  await host.changeGateway();
  const run = await host.push('dev');
  expect(run.exitCode, run.output).toBe(0);
  const containers = await containersOf(dev);
  expect(Object.keys(containers).sort()).toEqual(services);
  expect(Object.values(containers).map(({ State }) => State.Health.Status)).toEqual(services.map(() => 'healthy'));
  expect(sha256(await fetchResult(workerOf(host.root, 'dev'), taskId))).toBe(sha256(body));
});

test('stage-beside-dev', async () => {
  const before = await containerIds(dev);
  const run = await host.push('stage');
  expect(run.exitCode, run.output).toBe(0);
  expect(run.summary).toContain('# stage: deployed\n');
  expect(await containerIds(dev)).toEqual(before);
  const stage = await containersOf('taxlien-gateway-stage');
  expect(Object.keys(stage).sort()).toEqual(services);
  for (const [env, ip] of [
    ['dev', '127.0.10.1'],
    ['stage', '127.0.10.2'],
  ] as const) {
    expect((await fetch(`http://${ip}:8081/readyz`)).status, env).toBe(200);
  }
});

test('instance-files-kept', () => {
  expect(instanceFiles()).toEqual(kept);
});
