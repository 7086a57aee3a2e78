export type PartName = 'pulumi' | 'language-nodejs' | 'docker' | 'command';

/** An installed part. */
export interface InstalledPart {
  readonly version: string;
  /** `official`: from Pulumi's release; `built`: from Go modules on this machine; `found`: installed here before. */
  readonly origin: 'official' | 'built' | 'found';
  /** `official`: archive and checksum type; `built`: Go module; `found`: directory. */
  readonly source: string;
  /** Why earlier sources failed. */
  readonly problems: readonly string[];
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

export type Algorithm = 'sha1' | 'sha256';

interface Release {
  readonly archiveUrl: (platform: Platform) => string;
  readonly checksumsUrl: string;
  /** Hash types that its checksum list may use. */
  readonly algorithms: readonly Algorithm[];
  /** Pinned checksums of the archives by `<os>-<arch>`: a list that disagrees is refused. */
  readonly sha256?: Readonly<Record<string, string>>;
  /** Folder in the archive that holds the programs. */
  readonly folder: string;
}

export interface Platform {
  readonly os: string;
  readonly arch: string;
}

const pulumiVersion = '3.259.0';
export const dockerVersion = '5.2.0';
const commandVersion = '1.2.1';
// Last published version of the Go module with the Node.js language host; compatible with the pinned engine.
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
    algorithms: ['sha256'],
    // Read in github.com/pulumi/homebrew-tap, Formula/pulumi.rb at 51fb494 of 2026-08-20.
    sha256: {
      'linux-amd64': '94ba357acac23d01474084c4b00098dc0f7bc70ce13f34c777459254a5f718e5',
      'linux-arm64': 'edc8327463a72160bb36cf82cf5062da9c8a244290a706d9980988e7bf486853',
      'darwin-amd64': 'eaca4c3b8277bfa3ab061fa3b270d1c66358a0b2e613da8c5587a04b7226c534',
      'darwin-arm64': '57c27f179e527e2cf9f62b841a448af72a020e44b2fb4ee0d9bd85556c00c864',
    },
    folder: 'pulumi',
  },
};

function plugin(name: 'docker' | 'command', version: string, algorithms: readonly Algorithm[]): Unit {
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
      algorithms,
      folder: '.',
    },
  };
}

/** Folder below `plugins/` in which Pulumi looks for this version. */
export function pluginFolder(name: string, version: string): string {
  return `resource-${name}-v${version}`;
}

export const units: readonly Unit[] = [
  engine,
  // SHA-1: its workflow publish.yml makes the list with `shasum` and no `-a 256` (read at v5.1.0).
  plugin('docker', dockerVersion, ['sha256', 'sha1']),
  plugin('command', commandVersion, ['sha256']),
];

/** Go's names for this machine, which Pulumi's releases use as well. */
export function platformOf(os: string, arch: string): Platform {
  return { os, arch: arch === 'x64' ? 'amd64' : arch };
}
