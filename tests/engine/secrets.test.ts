import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../host/process.ts';
import { accounts, ownerOf, shellOf, tearDownShell } from '../helpers/account.ts';
import { containersOf, docker, gatewayctl, inStackShell, type Shell } from '../helpers/engine.ts';
import { filesBelow, processesWith, secretsIn, watchArguments } from '../helpers/leaks.ts';
import { modesOf, modeTable } from '../helpers/modes.ts';
import { completeTask, workerOf } from '../helpers/worker.ts';

const project = 'taxlien-gateway-dev';

/** Each has characters that JSON, URLs, redis.conf and shells escape. */
const secrets: Record<string, string> = Object.fromEntries(
  ['POSTGRES_PASSWORD', 'REDIS_PASSWORD', 'WORKER_TOKEN', 'GRAFANA_ADMIN_PASSWORD'].map((key) => [
    key,
    `${key.toLowerCase()}-7f3a+91/b2=c8&4d<e5>d0"6f%20$HOME?`,
  ]),
);

describe.each(accounts)('secrets of an environment deployed by %s', (account) => {
  let shell: Shell;
  let output: Readonly<Record<string, string>>;
  let argumentLists: ReadonlySet<string>;

  beforeAll(async () => {
    // Neither account's umask may affect the modes of created files.
    shell = await shellOf(account, 'secrets', account === 'root' ? '077' : '000');
    await gatewayctl(shell, ['init', 'dev', '--bind-ip', '127.0.10.1']);
    const file = join(shell.root, 'dev/.env');
    let text = readFileSync(file, 'utf8');
    for (const [key, value] of Object.entries(secrets)) {
      text = text.replace(new RegExp(`^${key}=.*$`, 'm'), () => `${key}='${value}'`);
    }
    writeFileSync(file, text);
    const stop = watchArguments();
    const up = await gatewayctl(shell, ['up', 'dev']);
    argumentLists = stop();
    writeFileSync(join(shell.checkout.dir, 'cmd/gateway/extra.go'), 'package main\n');
    const preview = await inStackShell(shell, 'dev', ['pulumi', 'preview', '--diff', '--show-config']);
    expect(preview.exitCode, preview.stderr).toBe(0);
    output = { up: up.stdout + up.stderr, preview: preview.stdout + preview.stderr };
    // A task leaves lines in logs.
    await completeTask(workerOf(shell.root, 'dev'), new TextEncoder().encode('body'));
  });

  afterAll(async () => {
    await tearDownShell(shell, 'dev');
  });

  const leaks = (texts: Readonly<Record<string, string>>) =>
    Object.entries(texts).flatMap(([where, text]) => secretsIn(text, secrets).map((name) => `${name} in ${where}`));

  test('are found in the .env and in the files of their services, so the search works', () => {
    const { [join(shell.root, 'dev/.env')]: env = '' } = filesBelow(join(shell.root, 'dev'), ['data']);
    expect(secretsIn(env, secrets)).toEqual(Object.keys(secrets));
    const found = leaks(filesBelow(join(shell.root, 'dev/secrets'))).map((leak) => leak.replace(shell.root, ''));
    expect(found.toSorted()).toEqual([
      'GRAFANA_ADMIN_PASSWORD in /dev/secrets/applied.json',
      'GRAFANA_ADMIN_PASSWORD in /dev/secrets/grafana/admin_password',
      'POSTGRES_PASSWORD in /dev/secrets/applied.json',
      'POSTGRES_PASSWORD in /dev/secrets/db/postgres_password',
      'POSTGRES_PASSWORD in /dev/secrets/gateway/db_password',
      'REDIS_PASSWORD in /dev/secrets/applied.json',
      'REDIS_PASSWORD in /dev/secrets/gateway/redis_password',
      'REDIS_PASSWORD in /dev/secrets/redis/redis.conf',
      'REDIS_PASSWORD in /dev/secrets/redis/redis_password',
      'WORKER_TOKEN in /dev/secrets/applied.json',
      'WORKER_TOKEN in /dev/secrets/gateway/worker_token',
    ]);
    const base64 = Buffer.from(`gateway:${secrets.REDIS_PASSWORD}@redis`).toString('base64');
    expect(secretsIn(`authorization: Basic ${base64}`, secrets)).toEqual(['REDIS_PASSWORD']);
  });

  test('are in files that only their owners read; everything has its owner and mode under any umask', () => {
    expect(modesOf(join(shell.root, 'dev'))).toEqual(modeTable(ownerOf(account)));
  });

  test('no process of a deploy outlives it', () => {
    const left = processesWith(`TAXLIEN_GATEWAY_ROOT=${shell.root}`);
    expect(left).toEqual([]);
    // The search finds processes at all.
    expect(processesWith(`TEST_INSTANCES_DIR=${process.env.TEST_INSTANCES_DIR}`)).not.toEqual([]);
  });

  test('are in nothing that docker prints', async () => {
    const list = async (...args: string[]) => (await docker(...args)).split('\n').filter((line) => line !== '');
    const containers = await list('ps', '--all', '--quiet');
    const images = [...new Set(await list('images', '--all', '--quiet'))];
    const texts: Record<string, string> = {
      containers: await docker('container', 'inspect', ...containers),
      images: await docker('image', 'inspect', ...images),
      networks: await docker('network', 'inspect', ...(await list('network', 'ls', '--quiet'))),
      volumes: await docker('volume', 'inspect', ...(await list('volume', 'ls', '--quiet'))),
    };
    for (const id of images) texts[`history of ${id}`] = await docker('history', '--no-trunc', id);
    for (const [service, { Id }] of Object.entries(await containersOf(project))) {
      const { stdout, stderr } = await run(['docker', 'logs', Id]);
      expect(stdout + stderr, service).not.toBe('');
      texts[`logs of ${service}`] = stdout + stderr;
    }
    expect(leaks(texts)).toEqual([]);
  });

  test('are in no output, argument list, state, configuration or file of the checkout', async () => {
    // The watch saw the deploy at work.
    expect([...argumentLists].some((list) => list.includes('components/host-step.ts'))).toBe(true);
    expect([...argumentLists].some((list) => list.startsWith('docker\0--host\0') && list.includes('\0run\0'))).toBe(
      true,
    );
    const exported = await inStackShell(shell, 'dev', ['pulumi', 'stack', 'export']);
    const outputs = await inStackShell(shell, 'dev', ['pulumi', 'stack', 'output', '--json', '--show-secrets']);
    const state = filesBelow(join(shell.root, 'dev/state'));
    expect(Object.keys(state).some((path) => path.includes('/history/'))).toBe(true);
    const texts = {
      ...output,
      ...state,
      ...filesBelow(join(shell.root, 'dev/config')),
      ...filesBelow(join(shell.root, 'dev/logs')),
      ...filesBelow(shell.checkout.dir, ['node_modules']),
      'stack file': readFileSync(join(shell.root, 'dev/Pulumi.dev.yaml'), 'utf8'),
      export: exported.stdout,
      outputs: outputs.stdout,
      'argument lists': [...argumentLists].join('\n'),
    };
    expect(leaks(texts)).toEqual([]);
  });
});
