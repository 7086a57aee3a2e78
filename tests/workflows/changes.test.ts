import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { containerIds, containersOf, docker, gatewayctl, tearDown, workTree } from '../helpers/engine.ts';
import { isWriting } from '../helpers/reliability.ts';
import { summaryPicture } from '../helpers/summary-picture.ts';
import { makeWorkflowHost, type WorkflowHost } from '../helpers/workflow-host/workflow-host.ts';

const dev = 'taxlien-gateway-dev';
const services = ['db', 'gateway', 'grafana', 'prometheus', 'redis'];

let host: WorkflowHost;

const shell = () => ({ checkout: host.developer, root: host.root });

beforeAll(async () => {
  host = await makeWorkflowHost('changes');
  await gatewayctl(shell(), ['init', 'dev', '--bind-ip', '127.0.10.1']);
  const run = await host.push('dev');
  expect(run.exitCode, run.output).toBe(0);
});

afterAll(async () => {
  await tearDown(shell(), 'dev');
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
  expect(run.summary).toMatch(/\| db \| .* \| healthy \| not at all \|/);
  expect(run.summary).toMatch(/^\| replace \| gateway \|/m);
  if (isWriting) writeFileSync(join(workTree, 'docs', 'job-summary.svg'), summaryPicture(run.summary));
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
