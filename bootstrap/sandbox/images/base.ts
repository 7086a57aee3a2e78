import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from '../../../host/process.ts';
import { cLibraryFiles, copyPrograms, debianInputs } from './debian.ts';
import type { LayerRecipe } from './layers.ts';

/** The users of the official images, with the same ids. */
const users = [
  { name: 'root', uid: 0, gid: 0, home: '/root' },
  { name: 'postgres', uid: 70, gid: 70, home: '/var/lib/postgresql' },
  { name: 'grafana', uid: 472, gid: 0, home: '/usr/share/grafana' },
  { name: 'redis', uid: 999, gid: 1000, home: '/data' },
  { name: 'nobody', uid: 65534, gid: 65534, home: '/nonexistent' },
];
const groups = ['root:x:0:', 'postgres:x:70:', 'redis:x:1000:', 'nogroup:x:65534:'];
const links = { bin: 'usr/bin', sbin: 'usr/sbin', lib: 'usr/lib', lib64: 'usr/lib64', 'var/run': '../run' };
const hostCertificates = '/etc/ssl/certs/ca-certificates.crt';

/** The base of each stand-in: C library, bash, setpriv, busybox for all other commands, users. */
export function baseLayer(): LayerRecipe {
  return {
    name: 'base',
    inputs: [readFileSync(new URL(import.meta.url), 'utf8'), ...debianInputs()],
    build: async (root, work) => {
      const debian = await work.debianRoot();
      const directories = 'etc/ssl/certs root run tmp usr/bin usr/lib64 usr/local/bin usr/sbin var/tmp'.split(' ');
      for (const dir of directories) {
        mkdirSync(path.join(root, dir), { recursive: true });
      }
      for (const dir of ['tmp', 'var/tmp']) chmodSync(path.join(root, dir), 0o1777);
      for (const [link, target] of Object.entries(links)) symlinkSync(target, path.join(root, link));
      await copyPrograms(debian, ['bash', 'busybox', 'setpriv'], root);
      await copyCLibrary(debian, root);
      await linkApplets(root);
      writeFileSync(
        path.join(root, 'etc/passwd'),
        users.map((u) => `${u.name}:x:${u.uid}:${u.gid}::${u.home}:/bin/sh\n`).join(''),
      );
      writeFileSync(path.join(root, 'etc/group'), `${groups.join('\n')}\n`);
      writeFileSync(path.join(root, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
      if (existsSync(hostCertificates)) cpSync(hostCertificates, path.join(root, hostCertificates));
      return 'Debian base';
    },
  };
}

async function copyCLibrary(debian: string, root: string): Promise<void> {
  const libDir = path.join(root, 'usr/lib/x86_64-linux-gnu');
  mkdirSync(libDir, { recursive: true });
  await run(['cp', '--dereference', '--', ...cLibraryFiles(debian), libDir]);
  symlinkSync('../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2', path.join(root, 'usr/lib64/ld-linux-x86-64.so.2'));
  cpSync(path.join(debian, 'usr/lib/locale/C.utf8'), path.join(root, 'usr/lib/locale/C.utf8'), { recursive: true });
}

async function linkApplets(root: string): Promise<void> {
  const bin = path.join(root, 'usr/bin');
  const { stdout } = await run([path.join(bin, 'busybox'), '--list']);
  for (const applet of stdout.trim().split('\n')) {
    if (!existsSync(path.join(bin, applet))) symlinkSync('busybox', path.join(bin, applet));
  }
}
