import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import upstreamImages from '../../docker/images/upstream-images.json' with { type: 'json' };
import { docker, gatewayctl, tearDown } from '../helpers/engine.ts';
import { type GithubApi, serveGithubApi } from '../helpers/github-api.ts';
import { treeEntries } from '../helpers/tree.ts';
import { makeWorkflowHost, type WorkflowHost } from '../helpers/workflow-host/workflow-host.ts';

const repository = 'owner/gateway';
const token = 'token-of-the-job';
const bindIp = '127.0.10.7';

let host: WorkflowHost;
let api: GithubApi;

beforeAll(async () => {
  host = await makeWorkflowHost('pull-requests');
  api = await serveGithubApi({ repository, pullRequest: 7, token });
  const shell = { checkout: host.developer, root: host.root };
  await gatewayctl(shell, ['init', 'dev', '--bind-ip', bindIp]);
  const run = await host.push('dev');
  expect(run.exitCode, run.output).toBe(0);
}, 900_000);

afterAll(async () => {
  await api.stop();
  await tearDown({ checkout: host.developer, root: host.root }, 'dev');
  host.remove();
});

/** Runs preview.yml as for a pull request of the clone's head to dev. */
async function openPullRequest(from = repository) {
  await host.developer.git('push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/change');
  const base = (await host.developer.git('rev-parse', 'HEAD~1')).trim();
  return host.run({
    name: 'pull_request',
    workflow: 'preview.yml',
    branch: 'change',
    payload: {
      number: 7,
      repository: { full_name: repository },
      pull_request: {
        number: 7,
        base: { ref: 'dev', sha: base, repo: { full_name: repository } },
        head: { ref: 'change', repo: { full_name: from } },
      },
    },
    hostedLabels: ['ubuntu-24.04'],
    actArgs: [
      ...['--env', `GITHUB_API_URL=${api.url}`, '--env', `GITHUB_REPOSITORY=${repository}`],
      ...['--secret', `GITHUB_TOKEN=${token}`],
    ],
  });
}

/** Path, owner, mode, time and content of everything in the instance, except what its services write. */
function instanceTree(): string {
  return treeEntries(join(host.root, 'dev'), (name) => !/^data\//.test(name))
    .map(({ name, stats: { uid, gid, mode, mtimeMs }, content }) =>
      [name, `${uid}:${gid}`, mode, mtimeMs, createHash('sha256').update(content).digest('hex')].join(' '),
    )
    .join('\n');
}

/** Sorted: Docker lists them in an order that differs from call to call. */
const objects = async () => {
  const lists = await Promise.all([
    docker('ps', '--all', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.Image}}'),
    docker('images', '--all', '--no-trunc', '--format', '{{.ID}} {{.Repository}}:{{.Tag}}'),
    docker('volume', 'ls', '--format', '{{.Name}}'),
    docker('network', 'ls', '--no-trunc', '--format', '{{.ID}} {{.Name}}'),
  ]);
  return lists.flatMap((list) => list.split('\n')).sort();
};

test('preview-touches-nothing', async () => {
  await host.changeGateway();
  const [tree, before, since] = [instanceTree(), await objects(), Date.now() / 1000];
  const run = await openPullRequest();
  expect(run.exitCode, run.output).toBe(0);
  const events = await docker(
    'events',
    '--since',
    `${since}`,
    '--until',
    `${Date.now() / 1000}`,
    '--format',
    '{{.Type}} {{.Action}}',
  );
  // The services' own health checks.
  expect(events.split('\n').filter((event) => event !== '' && !/^container (exec_|health_status)/.test(event))).toEqual(
    [],
  );
  expect(instanceTree()).toBe(tree);
  expect(await objects()).toEqual(before);
}, 600_000);

test('preview-comment', () => {
  expect(api.changes).toEqual([`POST /repos/${repository}/issues/7/comments`]);
  const text = api.comments[0]?.body ?? '';
  expect(text.split('\n')[0]).toBe('dev: stops and starts again: gateway.');
  expect(text).toMatch(/\| replace \| gateway \|/);
  const env = readFileSync(join(host.root, 'dev/.env'), 'utf8');
  const secrets = [...env.matchAll(/^[A-Z_]*(?:PASSWORD|TOKEN)=(.+)$/gm)].map(([, value]) => value ?? '');
  expect(secrets.length).toBeGreaterThanOrEqual(4);
  for (const secret of secrets) expect(text).not.toContain(secret);
});

test('stateful-first', async () => {
  // A stand-in for a release that does not exist: a plan refuses an image that no registry has.
  await docker('tag', upstreamImages.db, 'postgres:16.99-alpine3.23');
  const file = join(host.developer.dir, 'docker/images/upstream-images.json');
  const images = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
  writeFileSync(file, `${JSON.stringify({ ...images, db: 'postgres:16.99-alpine3.23' }, undefined, 2)}\n`);
  await host.commit('another PostgreSQL');
  const run = await openPullRequest();
  expect(run.exitCode, run.output).toBe(0);
  expect(api.changes.at(-1)).toBe(`PATCH /repos/${repository}/issues/comments/1`);
  expect(api.comments[0]?.body.split('\n')[0]).toMatch(/^\*\*dev: data is affected \(PostgreSQL's container: replace/);
  expect(api.comments[0]?.body).toMatch(/\| <b>replace<\/b> \| <b>db<\/b> \|/);
}, 600_000);

test('a fork gets no job on this host', async () => {
  const run = await openPullRequest('contributor/gateway');
  expect(run.steps).toEqual([]);
  expect(api.changes).toHaveLength(2);
}, 600_000);
