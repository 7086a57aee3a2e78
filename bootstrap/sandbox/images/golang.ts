import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { run } from '../../../host/process.ts';
import { sourceOf } from './_source.ts';
import type { ImageSettings } from './image.ts';
import type { LayerRecipe } from './layers.ts';

const proxyDir = 'usr/local/share/goproxy';

// The modules are in the image: a build needs no network, and go.sum verifies them. In go.env, not in the
// environment: build arguments, even empty ones, then work as with the official image.
const goDefaults = `GOPROXY=file:///${proxyDir}\nGOSUMDB=off\nGOTOOLCHAIN=local\n`;

export const golangSettings: ImageSettings = {
  Env: [
    'PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'GOPATH=/go',
    'GOTOOLCHAIN=local',
  ],
  Cmd: ['bash'],
  WorkingDir: '/go',
};

/** The host's Go without its tests. */
export async function goToolchainLayer(): Promise<LayerRecipe> {
  const [version, goRoot] = await goEnv('GOVERSION', 'GOROOT');
  return {
    name: 'go-toolchain',
    inputs: [sourceOf(import.meta.url), version],
    build: async (root) => {
      const to = path.join(root, 'usr/local/go');
      mkdirSync(to, { recursive: true });
      const parts = ['bin', 'lib', 'pkg', 'src', 'VERSION'].filter((part) => existsSync(path.join(goRoot, part)));
      const from = parts.map((part) => path.join(goRoot, part));
      await run(['cp', '--recursive', '--dereference', '--preserve=mode', '--', ...from, to]);
      // The sources of Go's own commands: a build needs only their binaries.
      rmSync(path.join(to, 'src/cmd'), { recursive: true });
      await run(['find', to, '-name', 'testdata', '-prune', '-exec', 'rm', '-rf', '{}', '+']);
      await run(['find', to, '-name', '*_test.go', '-delete']);
      writeFileSync(path.join(to, 'go.env'), goDefaults);
      mkdirSync(path.join(root, 'go'));
      return version;
    },
  };
}

/** The modules of the repository's go.mod, laid out as a module proxy. */
export async function goModulesLayer(repository: string): Promise<LayerRecipe> {
  const [version, moduleCache, proxy] = await goEnv('GOVERSION', 'GOMODCACHE', 'GOPROXY');
  const files = ['go.mod', 'go.sum'].map((name) => path.join(repository, name)).filter((file) => existsSync(file));
  return {
    name: 'go-modules',
    inputs: [sourceOf(import.meta.url), version, ...files.map((file) => readFileSync(file, 'utf8'))],
    build: async (root, work) => {
      const module = path.join(work.dir, 'go-module');
      const cache = path.join(work.dir, 'go-cache');
      mkdirSync(module);
      mkdirSync(path.join(root, proxyDir), { recursive: true });
      if (files.length === 0) return version;
      for (const file of files) cpSync(file, path.join(module, path.basename(file)));
      // The user's own cache first: it needs no network.
      const proxies = `GOPROXY=file://${path.join(moduleCache, 'cache/download')},${proxy}`;
      const env = ['env', `GOMODCACHE=${cache}`, proxies, 'GOFLAGS=-modcacherw'];
      await run([...env, 'go', 'mod', 'download'], { cwd: module, onLine: (line) => work.progress.tick(line) });
      const downloaded = path.join(cache, 'cache/download');
      rmSync(path.join(downloaded, 'sumdb'), { recursive: true, force: true });
      await run(['cp', '--recursive', '--', `${downloaded}/.`, path.join(root, proxyDir)]);
      rmSync(cache, { recursive: true });
      return version;
    },
  };
}

export async function goVersion(): Promise<string> {
  const [version] = await goEnv('GOVERSION');
  return version;
}

/** Values of `go env`, in the order of the names. */
async function goEnv<const T extends readonly string[]>(...names: T): Promise<{ [K in keyof T]: string }> {
  const values = (await run(['go', 'env', ...names])).stdout.split('\n').slice(0, names.length);
  if (values.length < names.length || values.includes(''))
    throw new Error(`go env ${names.join(' ')}: has an empty value`);
  return values as { [K in keyof T]: string };
}
