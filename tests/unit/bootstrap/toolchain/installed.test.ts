import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { takeInstalled } from '../../../../bootstrap/toolchain/found.ts';
import { buildFromGo } from '../../../../bootstrap/toolchain/go-build.ts';
import { type Unit, units } from '../../../../bootstrap/toolchain/parts.ts';

const [engine, docker] = units as readonly [Unit, Unit];
const progress = { step: () => {}, tick: () => {}, done: () => {} };
let dir: string;
let stagingDir: string;

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'installed-')));
  stagingDir = join(dir, 'new');
  vi.stubEnv('PATH', join(dir, 'path'));
  vi.stubEnv('HOME', dir);
  vi.stubEnv('PULUMI_HOME', '');
});

afterEach(() => rmSync(dir, { recursive: true }));

function program(file: string, ...lines: string[]): string {
  mkdirSync(join(dir, file, '..'), { recursive: true });
  writeFileSync(join(dir, file), ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(join(dir, file), 0o755);
  return join(dir, file);
}

test('takes the pinned engine with the host beside it, behind a link on PATH', async () => {
  const pulumi = program('opt/pulumi', 'echo v3.259.0');
  program('opt/pulumi-language-nodejs');
  mkdirSync(join(dir, 'path'));
  symlinkSync(pulumi, join(dir, 'path', 'pulumi'));
  const part = { version: '3.259.0', origin: 'found', source: join(dir, 'opt') };
  expect(await takeInstalled(engine, stagingDir)).toEqual({ parts: [part, part] });
  expect(existsSync(join(stagingDir, 'bin/pulumi-language-nodejs'))).toBe(true);
});

test('refuses another version', async () => {
  const pulumi = program('path/pulumi', 'echo v3.260.1');
  program('path/pulumi-language-nodejs');
  expect(await takeInstalled(engine, stagingDir)).toEqual({ problem: `${pulumi} is 3.260.1` });
});

test('refuses one that fails', async () => {
  const pulumi = program('path/pulumi', 'echo v3.259.0', 'exit 1');
  expect(await takeInstalled(engine, stagingDir)).toEqual({ problem: `${pulumi} is of an unknown version` });
});

test('refuses one without the Node host', async () => {
  const pulumi = program('path/pulumi', 'echo v3.259.0');
  expect(await takeInstalled(engine, stagingDir)).toEqual({
    problem: `${pulumi} has no pulumi-language-nodejs beside it`,
  });
  expect(existsSync(stagingDir)).toBe(false);
});

test('reports that there is none', async () => {
  expect(await takeInstalled(engine, stagingDir)).toEqual({ problem: 'pulumi is not on PATH' });
});

const pluginFile = 'plugins/resource-docker-v5.2.0/pulumi-resource-docker';

test("takes a plugin of the pinned version from Pulumi's own plugin directory", async () => {
  const folder = join(dir, '.pulumi/plugins/resource-docker-v5.2.0');
  expect(await takeInstalled(docker, stagingDir)).toEqual({ problem: `${folder} is not there` });
  program(`.pulumi/${pluginFile}`);
  expect(await takeInstalled(docker, stagingDir)).toEqual({
    parts: [{ version: '5.2.0', origin: 'found', source: folder }],
  });
  expect(existsSync(join(stagingDir, 'home', pluginFile))).toBe(true);
});

test("takes it from the user's PULUMI_HOME, before the home directory", async () => {
  vi.stubEnv('PULUMI_HOME', join(dir, 'pulumi-home'));
  program(`.pulumi/${pluginFile}`);
  const inHome = { parts: [{ source: join(dir, '.pulumi/plugins/resource-docker-v5.2.0') }] };
  expect(await takeInstalled(docker, stagingDir)).toMatchObject(inHome);
  program(`pulumi-home/${pluginFile}`);
  const inPulumiHome = { parts: [{ source: join(dir, 'pulumi-home/plugins/resource-docker-v5.2.0') }] };
  expect(await takeInstalled(docker, stagingDir)).toMatchObject(inPulumiHome);
});

test('refuses a plugin whose installation failed or is not finished', async () => {
  const folder = join(dir, '.pulumi/plugins/resource-docker-v5.2.0');
  program(`.pulumi/${pluginFile}`);
  writeFileSync(`${folder}.partial`, '');
  expect(await takeInstalled(docker, stagingDir)).toEqual({
    problem: `${folder} is not complete (resource-docker-v5.2.0.partial is there)`,
  });
});

test('takes nothing of an earlier toolchain, which may be built: after `gatewayctl env` PATH and PULUMI_HOME point there', async () => {
  const pulumi = program('earlier/bin/pulumi', 'echo v3.259.0');
  program('earlier/bin/pulumi-language-nodejs');
  program(`earlier/home/${pluginFile}`);
  vi.stubEnv('PATH', dirname(pulumi));
  vi.stubEnv('PULUMI_HOME', join(dir, 'earlier/home'));
  expect(await takeInstalled(engine, stagingDir)).toHaveProperty('parts');
  expect(await takeInstalled(docker, stagingDir)).toHaveProperty('parts');
  writeFileSync(join(dir, 'earlier/toolchain.json'), '{}');
  expect(await takeInstalled(engine, stagingDir)).toEqual({ problem: 'pulumi is not on PATH' });
  const nowhereElse = { problem: `${join(dir, '.pulumi/plugins/resource-docker-v5.2.0')} is not there` };
  expect(await takeInstalled(docker, stagingDir)).toEqual(nowhereElse);
  mkdirSync(join(dir, 'copy'));
  symlinkSync(join(dir, 'earlier/home/plugins'), join(dir, 'copy/plugins'));
  vi.stubEnv('PULUMI_HOME', join(dir, 'copy'));
  expect(await takeInstalled(docker, stagingDir)).toEqual(nowhereElse);
});

test('a missing Go is a problem of that way, not an error', async () => {
  const moduleRoot = join(dir, 'modules');
  mkdirSync(join(moduleRoot, 'resource-docker'), { recursive: true });
  expect(await buildFromGo(docker, { moduleRoot, stagingDir, progress })).toEqual({ problem: 'Go is not on PATH' });
});

test('the message of a too old Go is passed on', async () => {
  const moduleRoot = join(dir, 'modules');
  mkdirSync(join(moduleRoot, 'resource-docker'), { recursive: true });
  const complaint = 'go: go.mod requires go >= 1.25.9 (running go 1.20; GOTOOLCHAIN=local)';
  program('path/go', `echo '${complaint}' >&2`, 'exit 1');
  expect(await buildFromGo(docker, { moduleRoot, stagingDir, progress })).toEqual({ problem: complaint });
});

test('a failed build shows the output of Go and how to repeat it', async () => {
  const moduleRoot = join(dir, 'modules');
  mkdirSync(join(moduleRoot, 'resource-docker'), { recursive: true });
  program('path/go', '[ "$1" = list ] || { echo "dial tcp: no route" >&2; exit 1; }');
  await expect(buildFromGo(docker, { moduleRoot, stagingDir, progress })).rejects.toMatchObject({
    code: 'E_GO_BUILD',
    message: expect.stringContaining('dial tcp: no route'),
    fix: expect.stringContaining(`cd ${join(moduleRoot, 'resource-docker')} && go build`),
  });
});
