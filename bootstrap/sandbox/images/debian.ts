import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Progress } from '../../../host/output.ts';
import { run } from '../../../host/process.ts';
import { aptGetInstall } from '../install.ts';

const packages = ['base-files', 'bash', 'busybox', 'libc-bin', 'util-linux', 'redis-server', 'prometheus'];
/** Files of the C library: only the base layer has them. */
const cLibrary = [
  ...['ld-linux-x86-64.so.2', 'libc.so.6', 'libdl.so.2', 'libm.so.6', 'libnss_dns.so.2', 'libnss_files.so.2'],
  ...['libpthread.so.0', 'libresolv.so.2', 'librt.so.1', 'libutil.so.1'],
];
const libraryDirs = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu'];

/** What the layers of Debian's packages depend on: the release. Point updates do not rebuild them. */
export function debianInputs(): readonly string[] {
  const release = readFileSync('/etc/os-release', 'utf8').match(/^VERSION_CODENAME=.*$/m)?.[0] ?? 'unknown';
  return [readFileSync(new URL(import.meta.url), 'utf8'), release];
}

/** Downloads the packages and their dependencies and unpacks them; installs nothing. */
export async function unpackDebian(dir: string, progress: Progress): Promise<string> {
  const archives = path.join(dir, 'archives');
  const root = path.join(dir, 'root');
  mkdirSync(path.join(archives, 'partial'), { recursive: true });
  mkdirSync(root);
  // An empty status file: apt sees nothing as installed and downloads every dependency.
  writeFileSync(path.join(dir, 'status'), '');
  const options = [
    `Dir::State::status=${path.join(dir, 'status')}`,
    `Dir::State::extended_states=${path.join(dir, 'extended_states')}`,
    `Dir::Cache::archives=${archives}`,
    'APT::Sandbox::User=root',
  ].flatMap((setting) => ['-o', setting]);
  await aptGetInstall(packages, [...options, '--download-only'], progress);
  for (const file of readdirSync(archives).filter((entry) => entry.endsWith('.deb'))) {
    progress.tick(`unpacking ${file}`);
    await run(['dpkg-deb', '--extract', path.join(archives, file), root]);
  }
  return root;
}

/** Where the packages put the C library: `/lib` or, in newer releases, `/usr/lib`. */
export function cLibraryFiles(debianRoot: string): string[] {
  return cLibrary.map((name) => findIn(debianRoot, libraryDirs, name));
}

/** Copies programs to `<to>/usr/bin` and the libraries they load to `<to>/usr/lib/x86_64-linux-gnu`. */
export async function copyPrograms(debianRoot: string, programs: readonly string[], to: string): Promise<void> {
  const binDir = path.join(to, 'usr/bin');
  mkdirSync(binDir, { recursive: true });
  const files = programs.map((program) => findIn(debianRoot, ['bin', 'usr/bin', 'usr/sbin'], program));
  await run(['cp', '--dereference', '--', ...files, binDir]);
  await copyLibraries(debianRoot, files, to);
}

/** Copies the Debian libraries that `files` load, as the dynamic loader finds them. */
export async function copyLibraries(debianRoot: string, files: readonly string[], to: string): Promise<void> {
  const libraryPath = libraryDirs.map((dir) => path.join(debianRoot, dir)).join(':');
  const loader = findIn(debianRoot, libraryDirs, 'ld-linux-x86-64.so.2');
  const wanted = new Set<string>();
  for (const file of files) {
    const { stdout } = await run([loader, '--library-path', libraryPath, '--list', file], { allowedExitCodes: [0, 1] });
    for (const [, library] of stdout.matchAll(/=> (\/\S+)/g)) {
      if (library?.startsWith(`${debianRoot}/`) && !cLibrary.includes(path.basename(library))) wanted.add(library);
    }
  }
  if (wanted.size === 0) return;
  const libDir = path.join(to, 'usr/lib/x86_64-linux-gnu');
  mkdirSync(libDir, { recursive: true });
  await run(['cp', '--dereference', '--', ...wanted, libDir]);
}

function findIn(root: string, dirs: readonly string[], name: string): string {
  const file = dirs.map((dir) => path.join(root, dir, name)).find((candidate) => existsSync(candidate));
  if (file === undefined) throw new Error(`${name}: in none of Debian's packages (${packages.join(', ')})`);
  return file;
}

/** The version of a package that `unpackDebian` downloaded, without epoch and Debian revision. */
export function upstreamVersion(debianRoot: string, name: string): string {
  const archives = path.join(path.dirname(debianRoot), 'archives');
  const file = readdirSync(archives).find((entry) => entry.startsWith(`${name}_`));
  const version = file?.match(/_(?:\d+%3a)?([0-9.]+)/)?.[1];
  if (version === undefined) throw new Error(`${archives}: holds no package ${name} with a version`);
  return version;
}
