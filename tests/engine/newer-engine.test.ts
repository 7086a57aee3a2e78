import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failedBuildOutput } from '../../cli/deploy/build-output.ts';
import { tarArchive } from '../../docker/archive.ts';
import { DockerClient } from '../../docker/client.ts';
import { pruneImages } from '../../docker/images/pruning.ts';
import { imageLabel } from '../../docker/names.ts';
import { instanceOf } from '../../settings/instance.ts';
import { loadSettings, type Settings } from '../../settings/load.ts';
import { type AlteredDaemon, serveAlteredDaemon } from '../helpers/altered-daemon.ts';
import { containersOf, docker, gatewayctl, makeShell, type Shell, tearDown } from '../helpers/engine.ts';
import { expectSecondUpToChangeNothing } from '../helpers/second-up.ts';

const project = 'taxlien-gateway-dev';
const label = `${imageLabel}=${project}`;
let daemon: AlteredDaemon;
let shell: Shell;
let settings: Settings;

beforeAll(async () => {
  daemon = await serveAlteredDaemon({ isNewer: true });
  const env = { ...process.env, DOCKER_HOST: daemon.dockerHost };
  shell = { ...(await makeShell('newer')), env };
  await gatewayctl(shell, ['up', 'dev']);
  settings = loadSettings(instanceOf('dev', shell.root), shell.checkout.dir);
});

afterAll(async () => {
  await tearDown(shell, 'dev');
  await daemon.stop();
});

describe('on an engine that behaves like Docker 26 to 29, by a stand-in', () => {
  test('a second up changes nothing, and neither does a refreshing preview', async () => {
    await expectSecondUpToChangeNothing(shell, project);
  });

  test('a failed build prints the output of the compiler', async () => {
    const file = join(shell.checkout.dir, 'cmd/gateway/extra.go');
    writeFileSync(file, 'package main\n\nfunc init() { nowhere() }\n');
    const { exitCode, stdout, stderr } = await gatewayctl(shell, ['up', 'dev'], 'any');
    rmSync(file);
    expect(exitCode).toBe(1);
    expect(stdout + stderr).toMatch(/The gateway's build printed:\n[\s\S]*extra\.go:3:15: undefined: nowhere$/m);
  });

  test('a repeated build that succeeds leaves no image that pruning would miss', async () => {
    const untagged = async (...more: readonly string[]) =>
      (await docker(...['image', 'ls', '--all', '--quiet', '--no-trunc', '--filter', 'dangling=true'], ...more)).split(
        '\n',
      );
    const before = await untagged();
    expect(await failedBuildOutput(daemon.dockerHost, settings)).toBe('');
    const found = await untagged('--filter', `label=${label}`);
    expect((await untagged()).filter((id) => !before.includes(id) && !found.includes(id))).toEqual([]);
  });

  test('untagged images of earlier deploys are removed, except the last five', async () => {
    const imported: string[] = [];
    const file = join(shell.root, 'layer.tar');
    for (let number = 1; number <= 7; number += 1) {
      writeFileSync(file, await tarArchive([{ name: 'number', mode: 0o644, content: Buffer.from(`${number}`) }]));
      imported.push(await docker('import', '--change', `LABEL ${label}`, file));
    }
    const lines = await pruneImages(new DockerClient(daemon.dockerHost), settings);
    const left = (await docker('image', 'ls', '--all', '--quiet', '--no-trunc')).split('\n');
    expect(imported.map((id) => left.includes(id))).toEqual([false, false, true, true, true, true, true]);
    const ours = lines.filter((line) => imported.some((id) => line.includes(id)));
    expect(ours.toSorted()).toEqual(
      imported
        .slice(0, 2)
        .map((id) => `removed ${id} of an earlier deploy`)
        .toSorted(),
    );
    expect(left).toContain((await containersOf(project)).gateway?.Image);
    await docker('image', 'rm', ...imported.slice(2));
  });
});
