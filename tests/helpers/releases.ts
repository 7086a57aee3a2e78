import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { type PartName, type Platform, type Unit, units } from '../../bootstrap/toolchain/parts.ts';
import { run } from '../../host/process.ts';

/** A directory with the files of Pulumi's three releases, made of other programs: archives and lists in their formats. */
export interface Releases {
  readonly dir: string;
  /** The pinned units, with the checksum of this engine's archive in place of the official one. */
  readonly units: readonly Unit[];
  /** Name of a unit's archive. */
  readonly archiveOf: (unit: Unit) => string;
  readonly listOf: (unit: Unit) => string;
}

const digest = (algorithm: string, content: Buffer | string) => createHash(algorithm).update(content).digest('hex');

/** @param programs path of the replacement of each program */
export async function makeReleases(
  dir: string,
  platform: Platform,
  programs: Readonly<Record<PartName, string>>,
): Promise<Releases> {
  const [engine, docker, command] = units as readonly [Unit, Unit, Unit];
  const archiveOf = ({ release }: Unit) => basename(release.archiveUrl(platform));
  const listOf = ({ release }: Unit) => basename(release.checksumsUrl);
  const stage = join(dir, 'stage');
  const tar = (unit: Unit, ...args: readonly string[]) =>
    run(['tar', '-chzf', join(dir, archiveOf(unit)), '-C', stage, ...args]);
  for (const { parts } of units) {
    const folder = join(stage, parts[0].name);
    mkdirSync(folder, { recursive: true });
    for (const { name, program } of parts) symlinkSync(programs[name], join(folder, program));
  }
  for (const text of ['README.md', 'LICENSE']) writeFileSync(join(stage, text), `${text}\n`);
  await tar(engine, 'pulumi');
  await tar(docker, 'README.md', 'LICENSE', '-C', 'docker', '.');
  await tar(command, 'LICENSE', 'README.md', '-C', 'command', 'pulumi-resource-command');

  const contentOf = (unit: Unit) => readFileSync(join(dir, archiveOf(unit)));
  /** Names of a release's archives, sorted, this platform's and others that are never fetched. */
  const names = ({ release }: Unit) =>
    ['darwin', 'linux', 'windows'].flatMap((os) =>
      ['amd64', 'arm64'].map((arch) => basename(release.archiveUrl({ os, arch }))),
    );
  const write = (unit: Unit, algorithm: string, before: string) => {
    const sum = (name: string) => digest(algorithm, name === archiveOf(unit) ? contentOf(unit) : name);
    writeFileSync(
      join(dir, listOf(unit)),
      names(unit)
        .map((name) => `${sum(name)}  ${before}${name}\n`)
        .join(''),
    );
  };
  write(engine, 'sha256', '');
  // Its workflow calls `shasum ./*.tar.gz`.
  write(docker, 'sha1', './');
  write(command, 'sha256', '');

  const sha256 = { [`${platform.os}-${platform.arch}`]: digest('sha256', contentOf(engine)) };
  return {
    dir,
    units: [{ ...engine, release: { ...engine.release, sha256 } }, docker, command],
    archiveOf,
    listOf,
  };
}

/** Serves a directory's files, on loopback. */
export async function serve(dir: string) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = basename(request.url ?? '');
    asked.push(name);
    if (existsSync(join(dir, name))) createReadStream(join(dir, name)).pipe(response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}`, asked, close };
}
