import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export type PartName = 'pulumi' | 'language-nodejs' | 'docker' | 'command';
type Source = 'path' | 'download' | 'go-build';

export interface Origin {
  readonly version: string;
  readonly from: Source;
  /** Where it was found, or why it had to be got this way. */
  readonly why: string;
}

/** One program of the toolchain. */
interface Part {
  readonly name: PartName;
  readonly program: string;
  /** Place in the toolchain's directory. */
  readonly file: string;
  readonly build: GoBuild;
}

export interface GoBuild {
  /** Folder of the Go module, beside this file. */
  readonly module: string;
  readonly package: string;
  readonly version: string;
  /** Go variable that takes the version, with its text. */
  readonly stamp?: { readonly variable: string; readonly text: string };
}

/** Programs that are found, downloaded or built together. */
export interface Unit {
  readonly name: string;
  readonly version: string;
  readonly parts: readonly [Part, ...Part[]];
  readonly release: Release;
}

interface Release {
  readonly archiveUrl: (platform: Platform) => string;
  readonly checksumsUrl: string;
  /** Folder in the archive that holds the programs. */
  readonly folder: string;
}

export interface Platform {
  readonly os: string;
  readonly arch: string;
}

const pulumiVersion = '3.259.0';
const dockerVersion = '5.2.0';
const commandVersion = '1.2.1';
// The last version of the module that holds the Node host; it runs programs of the pinned engine.
const languageHostVersion = '3.68.0';

const engine: Unit = {
  name: 'pulumi',
  version: pulumiVersion,
  parts: [
    {
      name: 'pulumi',
      program: 'pulumi',
      file: 'bin/pulumi',
      build: {
        module: 'pulumi',
        package: 'github.com/pulumi/pulumi/pkg/v3/cmd/pulumi',
        version: pulumiVersion,
        stamp: { variable: 'github.com/pulumi/pulumi/sdk/v3/go/common/version.Version', text: `v${pulumiVersion}` },
      },
    },
    {
      name: 'language-nodejs',
      program: 'pulumi-language-nodejs',
      file: 'bin/pulumi-language-nodejs',
      build: {
        module: 'language-nodejs',
        package: 'github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs',
        version: languageHostVersion,
      },
    },
  ],
  release: {
    archiveUrl: ({ os, arch }) =>
      `https://get.pulumi.com/releases/sdk/pulumi-v${pulumiVersion}-${os}-${arch === 'amd64' ? 'x64' : arch}.tar.gz`,
    checksumsUrl: `https://get.pulumi.com/releases/sdk/pulumi-${pulumiVersion}-checksums.txt`,
    folder: 'pulumi',
  },
};

function plugin(name: 'docker' | 'command', version: string): Unit {
  const program = `pulumi-resource-${name}`;
  const releaseUrl = `https://github.com/pulumi/pulumi-${name}/releases/download/v${version}`;
  return {
    name: `${name} plugin`,
    version,
    parts: [
      {
        name,
        program,
        file: `home/plugins/${pluginFolder(name, version)}/${program}`,
        build: {
          module: `resource-${name}`,
          package: '.',
          version,
          stamp: { variable: 'main.version', text: version },
        },
      },
    ],
    release: {
      archiveUrl: ({ os, arch }) => `${releaseUrl}/${program}-v${version}-${os}-${arch}.tar.gz`,
      checksumsUrl: `${releaseUrl}/pulumi-${name}_${version}_checksums.txt`,
      folder: '.',
    },
  };
}

/** Folder below `plugins/` in which Pulumi looks for this version. */
export function pluginFolder(name: string, version: string): string {
  return `resource-${name}-v${version}`;
}

export const units: readonly Unit[] = [engine, plugin('docker', dockerVersion), plugin('command', commandVersion)];

/** Go's names for this machine, which Pulumi's releases use as well. */
export function platformOf(os: string, arch: string): Platform {
  return { os, arch: arch === 'x64' ? 'amd64' : arch };
}

/** Name of the directory that holds this toolchain: another version, platform or Go module is another directory. */
export function toolchainKey(moduleRoot: string, { os, arch }: Platform): string {
  const hash = createHash('sha256');
  const modules = units.flatMap(({ parts }) => parts.map(({ build }) => build.module));
  for (const module of modules) {
    for (const entry of readdirSync(join(moduleRoot, module), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      hash
        .update(`${relative(moduleRoot, file)}\0`)
        .update(readFileSync(file))
        .update('\0');
    }
  }
  const versions = `pulumi-${pulumiVersion}-docker-${dockerVersion}-command-${commandVersion}`;
  return `${versions}-${os}-${arch}-${hash.digest('hex').slice(0, 12)}`;
}
