import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type PartName, platformOf } from '../../../../bootstrap/toolchain/parts.ts';
import {
  builtPluginLine,
  ensureToolchain,
  presentToolchain,
  type Toolchain,
} from '../../../../bootstrap/toolchain/toolchain.ts';
import { pathWithout } from '../../../helpers/path-without.ts';
import { makeReleases, type Releases, serve } from '../../../helpers/releases.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

const names: readonly PartName[] = ['pulumi', 'language-nodejs', 'docker', 'command'];
const platform = platformOf(process.platform, process.arch);
let dir: string;
let cacheDir: string;
let releases: Releases;
let said: string[];

beforeEach(async () => {
  dir = temporaryDir();
  cacheDir = join(dir, 'cache');
  said = [];
  writeFiles(dir, Object.fromEntries(names.map((name) => [`official/${name}`, `official ${name}`])));
  const programs = Object.fromEntries(names.map((name) => [name, join(dir, 'official', name)]));
  releases = await makeReleases(join(dir, 'mirror'), platform, programs as Record<PartName, string>);
  const path = pathWithout(
    'pulumi',
    pathWithout('go', process.env.PATH ?? '', join(dir, 'no-go')),
    join(dir, 'no-pulumi'),
  );
  vi.stubEnv('PATH', path);
  vi.stubEnv('HOME', dir);
  vi.stubEnv('PULUMI_HOME', '');
  vi.stubEnv('TAXLIEN_GATEWAY_MIRROR', 'http://127.0.0.1:2/closed');
});

const ensure = (isRenewal = false) =>
  ensureToolchain({
    cacheDir,
    units: releases.units,
    isRenewal,
    progress: { step: (text) => void said.push(text), tick: () => {}, done: () => {} },
  });

/** A Go that writes a small file for each program. */
function addGo(): void {
  writeFiles(dir, {
    'go/go': '#!/bin/sh\nwhile [ $# -gt 0 ]; do [ "$1" = -o ] && printf built >"$2"; shift; done\n',
  });
  chmodSync(join(dir, 'go/go'), 0o755);
  vi.stubEnv('PATH', [join(dir, 'go'), process.env.PATH].join(delimiter));
}

async function openMirror() {
  const server = await serve(releases.dir);
  onTestFinished(async () => void (await server.close()));
  vi.stubEnv('TAXLIEN_GATEWAY_MIRROR', `${server.url}/`);
  return server;
}

const origins = ({ parts }: Toolchain) => Object.values(parts).map(({ origin }) => origin);
const dockerPlugin = ({ pulumiHome }: Toolchain) =>
  readFileSync(join(pulumiHome, 'plugins/resource-docker-v5.2.0/pulumi-resource-docker'), 'utf8');

describe('a toolchain that was built', () => {
  test('records it for each part with the reason, and is reused the next time', async () => {
    addGo();
    expect(presentToolchain(cacheDir)).toBeUndefined();
    const built = await ensure();
    expect(built.parts.docker).toEqual({
      version: '5.2.0',
      origin: 'built',
      source: 'bootstrap/toolchain/resource-docker/go.mod',
      problems: [
        `installed: ${dir}/.pulumi/plugins/resource-docker-v5.2.0 is not there`,
        `archive: file://${cacheDir}/archives/pulumi-docker_5.2.0_checksums.txt: is not there`,
        'official release: 127.0.0.1:2 could not be reached within the last hour (ECONNREFUSED)',
      ],
    });
    expect(builtPluginLine(built)).toMatch(/built here.*toolchain --renew$/);
    said = [];
    vi.stubEnv('PATH', '');
    expect(await ensure()).toEqual(built);
    expect([presentToolchain(cacheDir), said]).toEqual([built, []]);
  });

  test('stays until a renewal, and after it for running processes', async () => {
    addGo();
    const built = await ensure();
    const server = await openMirror();
    expect(await ensure()).toEqual(built);
    expect(server.asked).toEqual([]);
    const official = await ensure(true);
    expect(origins(official)).toEqual(names.map(() => 'official'));
    expect(official.parts.docker.source).toMatch(/, SHA-1 verified$/);
    expect(builtPluginLine(official)).toBeUndefined();
    expect([dockerPlugin(official), dockerPlugin(built)]).toEqual(['official docker', 'built']);
    expect(await ensure()).toEqual(official);
    expect(readdirSync(join(cacheDir, 'toolchain')).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('keeps in a renewal what cannot be fetched, without building it again', async () => {
    addGo();
    await ensure();
    await openMirror();
    const [, docker] = releases.units;
    if (docker === undefined) throw new Error('no docker plugin among the units');
    writeFileSync(join(releases.dir, releases.listOf(docker)), 'not found\n');
    said = [];
    const mixed = await ensure(true);
    expect(origins(mixed)).toEqual(['official', 'official', 'built', 'official']);
    expect(mixed.parts.docker.problems.at(-1)).toMatch(/does not list .* with SHA-256 or SHA-1$/);
    expect(said.filter((line) => line.includes('building'))).toEqual([]);
    expect(dockerPlugin(mixed)).toBe('built');
    expect(presentToolchain(cacheDir)).toEqual(mixed);
  });
});

test('a renewal downloads an official toolchain again, and keeps it if that fails', async () => {
  const server = await openMirror();
  const first = await ensure();
  expect(origins(first)).toEqual(names.map(() => 'official'));
  writeFileSync(join(first.binDir, 'pulumi'), 'damaged');
  const second = await ensure(true);
  expect(second).toEqual(first);
  expect(readFileSync(join(second.binDir, 'pulumi'), 'utf8')).toBe('official pulumi');
  await server.close();
  const kept = await ensure(true);
  expect(origins(kept)).toEqual(names.map(() => 'official'));
  expect(kept.parts.pulumi.source).toBe(first.parts.pulumi.source);
  expect(readFileSync(join(kept.binDir, 'pulumi'), 'utf8')).toBe('official pulumi');
  expect(readdirSync(dirname(kept.binDir)).sort()).toEqual(['bin', 'home', 'toolchain.json']);
});

test('a renewal tries a host again that could not be reached a minute ago', async () => {
  addGo();
  const server = await openMirror();
  await server.close();
  expect(origins(await ensure())).toEqual(names.map(() => 'built'));
  const again = await ensure(true);
  expect(again.parts.pulumi.problems.at(-1)).toMatch(/^official release: .* cannot be reached \(ECONNREFUSED\)$/);
});

describe('without Go and without a download', () => {
  const urls = [
    'https://get.pulumi.com/releases/sdk/pulumi-v3.259.0-linux-x64.tar.gz',
    'https://get.pulumi.com/releases/sdk/pulumi-3.259.0-checksums.txt',
    'https://github.com/pulumi/pulumi-docker/releases/download/v5.2.0/pulumi-resource-docker-v5.2.0-linux-amd64.tar.gz',
    'https://github.com/pulumi/pulumi-docker/releases/download/v5.2.0/pulumi-docker_5.2.0_checksums.txt',
    'https://github.com/pulumi/pulumi-command/releases/download/v1.2.1/pulumi-resource-command-v1.2.1-linux-amd64.tar.gz',
    'https://github.com/pulumi/pulumi-command/releases/download/v1.2.1/pulumi-command_1.2.1_checksums.txt',
  ];

  test('names all files to download and where to put them; from there they are installed', async () => {
    const archives = join(cacheDir, 'archives');
    const error = await ensure().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'E_TOOLCHAIN',
      message: expect.stringMatching(
        /^docker plugin 5\.2\.0: cannot be installed$[\s\S]*^ {2}Go build: Go is not on PATH$/m,
      ),
    });
    const linux = (text: string) =>
      text
        .replaceAll(`${platform.os}-${platform.arch}`, 'linux-amd64')
        .replaceAll(/(3\.259\.0)-\w+-\w+\./g, '$1-linux-x64.');
    expect(linux((error as { fix: string }).fix).split('\n')).toEqual([
      `Download these files on a machine that can reach them, put them into ${archives}, and run this again:`,
      ...urls.map((url) => `  ${url}`),
      'Or install them yourself:',
      '  Pulumi 3.259.0, on PATH',
      '  pulumi plugin install resource docker 5.2.0',
      '  pulumi plugin install resource command 1.2.1',
      'Or set TAXLIEN_GATEWAY_MIRROR to a mirror of these files, or install Go 1.26.',
    ]);
    expect(existsSync(archives)).toBe(true);
    cpSync(releases.dir, archives, { recursive: true });
    const toolchain = await ensure();
    expect(origins(toolchain)).toEqual(names.map(() => 'official'));
    expect(toolchain.parts.docker.source).toMatch(/^file:.*\/archives\/pulumi-resource-docker-.*, SHA-1 verified$/);
  });

  test('what Pulumi itself installed is used, and only the rest is missing', async () => {
    const plugin = join(dir, '.pulumi/plugins/resource-docker-v5.2.0');
    mkdirSync(plugin, { recursive: true });
    writeFileSync(join(plugin, 'pulumi-resource-docker'), 'found');
    const error = (await ensure().catch((reason: unknown) => reason)) as { message: string; fix: string };
    expect(error.message).not.toContain('docker plugin');
    expect(error.fix).not.toContain('docker');
    expect(error.fix).toContain('pulumi plugin install resource command 1.2.1');
  });
});

test('a damaged list of parts is no toolchain: it is installed again', async () => {
  await openMirror();
  const { binDir } = await ensure();
  const stamp = join(dirname(binDir), 'toolchain.json');
  for (const text of ['', '{"pulumi":', '[]', '{"docker":{"version":"5.2.0"}}']) {
    writeFileSync(stamp, text);
    expect(presentToolchain(cacheDir), text).toBeUndefined();
    const { parts } = await ensure();
    expect(Object.values(parts).map(({ origin }) => origin)).toEqual(names.map(() => 'official'));
  }
});

test('a download that breaks off leaves nothing in the toolchain that is then built', async () => {
  addGo();
  await openMirror();
  for (const name of readdirSync(releases.dir).filter((file) => file.endsWith('.tar.gz'))) {
    rmSync(join(releases.dir, name));
  }
  const { binDir } = await ensure();
  expect(readdirSync(dirname(binDir)).toSorted()).toEqual(['bin', 'home', 'toolchain.json']);
});
