import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { download } from '../../../../bootstrap/toolchain/download.ts';
import { platformOf, type Unit, units } from '../../../../bootstrap/toolchain/parts.ts';
import { makeReleases, type Releases, serve } from '../../../helpers/releases.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

const platform = platformOf('linux', 'x64');
const progress = { step: () => {}, tick: () => {}, done: () => {} };
let releases: Releases;
let server: Awaited<ReturnType<typeof serve>>;
let stagingDir: string;

beforeEach(async () => {
  const dir = temporaryDir();
  const programs = { pulumi: 'engine', 'language-nodejs': 'host', docker: 'docker plugin', command: 'command plugin' };
  writeFiles(dir, programs);
  const paths = Object.fromEntries(Object.keys(programs).map((name) => [name, join(dir, name)]));
  releases = await makeReleases(join(dir, 'mirror'), platform, paths as typeof programs);
  server = await serve(releases.dir);
  onTestFinished(async () => void (await server.close()));
  stagingDir = join(dir, 'new');
});

const take = (unit: Unit) =>
  download(unit, { platform, stagingDir, memoryFile: `${stagingDir}.memory`, progress, base: server.url });

/** Changes one byte in the middle of a file. */
function flip(file: string): void {
  const content = readFileSync(file);
  const middle = Math.floor(content.length / 2);
  content[middle] = (content[middle] ?? 0) ^ 1;
  writeFileSync(file, content);
}

describe.each([
  ['pulumi', 0, 'SHA-256', ['bin', 'bin/pulumi', 'bin/pulumi-language-nodejs']],
  [
    'docker plugin',
    1,
    'SHA-1',
    [
      'home',
      'home/plugins',
      'home/plugins/resource-docker-v5.2.0',
      'home/plugins/resource-docker-v5.2.0/pulumi-resource-docker',
    ],
  ],
  [
    'command plugin',
    2,
    'SHA-256',
    [
      'home',
      'home/plugins',
      'home/plugins/resource-command-v1.2.1',
      'home/plugins/resource-command-v1.2.1/pulumi-resource-command',
    ],
  ],
])('the release of the %s, with its list in the format of its publisher', (_name, index, algorithm, files) => {
  const unit = () => releases.units[index] as Unit;

  test('contains its programs, and the verified checksum is reported', async () => {
    const source = `${server.url}/${releases.archiveOf(unit())}, ${algorithm} verified`;
    const part = { version: unit().version, origin: 'official', source };
    expect(await take(unit())).toEqual({ parts: unit().parts.map(() => part) });
    expect(readdirSync(stagingDir, { recursive: true }).sort()).toEqual(files);
  });

  test('is refused with one wrong byte in its archive', async () => {
    flip(join(releases.dir, releases.archiveOf(unit())));
    await expect(take(unit())).rejects.toMatchObject({
      code: 'E_CHECKSUM',
      message: expect.stringMatching(
        `^${server.url}/${releases.archiveOf(unit())}: ${algorithm} must be [0-9a-f]+, as ${server.url}/${releases.listOf(unit())} says \\(got [0-9a-f]+\\)$`,
      ),
    });
    expect(readdirSync(stagingDir).filter((name) => name === 'bin' || name === 'home')).toEqual([]);
  });
});

test('an engine whose own list agrees, but not the pinned checksum, is refused before it is fetched', async () => {
  const [engine] = units as readonly [Unit];
  await expect(take(engine)).rejects.toMatchObject({
    code: 'E_CHECKSUM',
    message: expect.stringMatching(
      /pulumi-3\.259\.0-checksums\.txt: SHA-256 of pulumi-v3\.259\.0-linux-x64\.tar\.gz must be 94ba357a[0-9a-f]{56} \(got [0-9a-f]{64}\)$/,
    ),
    fix: expect.stringContaining('https://get.pulumi.com/releases/sdk'),
  });
  expect(server.asked).toEqual([releases.listOf(engine)]);
});

test('SHA-1 is accepted only from the publisher that lists nothing better', async () => {
  const [, docker, command] = releases.units as readonly [Unit, Unit, Unit];
  const list = join(releases.dir, releases.listOf(command));
  writeFileSync(list, readFileSync(list, 'utf8').replaceAll(/^[0-9a-f]{24}/gm, ''));
  expect(await take(command)).toEqual({
    problem: `${server.url}/pulumi-command_1.2.1_checksums.txt does not list ${releases.archiveOf(command)} with SHA-256`,
  });
  writeFileSync(join(releases.dir, releases.listOf(docker)), '');
  expect(await take(docker)).toEqual({
    problem: `${server.url}/pulumi-docker_5.2.0_checksums.txt does not list ${releases.archiveOf(docker)} with SHA-256 or SHA-1`,
  });
  expect(existsSync(join(stagingDir, 'home'))).toBe(false);
});

test("every platform of Pulumi's engine is pinned", () => {
  const sha256 = units[0]?.release.sha256 ?? {};
  expect(Object.keys(sha256).sort()).toEqual(['darwin-amd64', 'darwin-arm64', 'linux-amd64', 'linux-arm64']);
  expect(new Set(Object.values(sha256)).size).toBe(4);
  for (const checksum of Object.values(sha256)) expect(checksum).toMatch(/^[0-9a-f]{64}$/);
});
