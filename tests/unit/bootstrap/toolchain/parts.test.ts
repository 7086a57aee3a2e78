import { expect, test } from 'vitest';
import { parseVersion } from '../../../../bootstrap/toolchain/found.ts';
import { goBuildCommand, goEnvironment } from '../../../../bootstrap/toolchain/go-build.ts';
import { platformOf, units } from '../../../../bootstrap/toolchain/parts.ts';
import packageJson from '../../../../package.json' with { type: 'json' };

const linux = platformOf('linux', 'x64');

test.each([
  ['v3.259.0\n', '3.259.0'],
  ['3.259.0', '3.259.0'],
  ['warning: A new version is available\nv3.260.0-alpha.x1\n', '3.260.0-alpha.x1'],
  ['pulumi: command not found', undefined],
  ['', undefined],
])('the version in %j is %j', (text, version) => {
  expect(parseVersion(text)).toBe(version);
});

test('the pinned versions are those of the npm packages', () => {
  const { dependencies } = packageJson;
  expect(units.map(({ name, version }) => [name, version])).toEqual([
    ['pulumi', dependencies['@pulumi/pulumi']],
    ['docker plugin', dependencies['@pulumi/docker']],
    ['command plugin', dependencies['@pulumi/command']],
  ]);
});

test('releases and checksum lists', () => {
  expect(units.map(({ release }) => [release.archiveUrl(linux), release.checksumsUrl])).toMatchInlineSnapshot(`
    [
      [
        "https://get.pulumi.com/releases/sdk/pulumi-v3.259.0-linux-x64.tar.gz",
        "https://get.pulumi.com/releases/sdk/pulumi-3.259.0-checksums.txt",
      ],
      [
        "https://github.com/pulumi/pulumi-docker/releases/download/v5.2.0/pulumi-resource-docker-v5.2.0-linux-amd64.tar.gz",
        "https://github.com/pulumi/pulumi-docker/releases/download/v5.2.0/pulumi-docker_5.2.0_checksums.txt",
      ],
      [
        "https://github.com/pulumi/pulumi-command/releases/download/v1.2.1/pulumi-resource-command-v1.2.1-linux-amd64.tar.gz",
        "https://github.com/pulumi/pulumi-command/releases/download/v1.2.1/pulumi-command_1.2.1_checksums.txt",
      ],
    ]
  `);
  expect(units[0]?.release.archiveUrl(platformOf('darwin', 'arm64'))).toMatch(/darwin-arm64\.tar\.gz$/);
});

test('go build commands', () => {
  const commands = units.flatMap(({ parts }) => parts.map(({ build, file }) => goBuildCommand(build, `/new/${file}`)));
  expect(commands).toMatchInlineSnapshot(`
    [
      [
        "go",
        "build",
        "-v",
        "-mod=readonly",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.259.0",
        "-o",
        "/new/bin/pulumi",
        "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      ],
      [
        "go",
        "build",
        "-v",
        "-mod=readonly",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        "-s -w",
        "-o",
        "/new/bin/pulumi-language-nodejs",
        "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
      ],
      [
        "go",
        "build",
        "-v",
        "-mod=readonly",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        "-s -w -X main.version=5.2.0",
        "-o",
        "/new/home/plugins/resource-docker-v5.2.0/pulumi-resource-docker",
        ".",
      ],
      [
        "go",
        "build",
        "-v",
        "-mod=readonly",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags",
        "-s -w -X main.version=1.2.1",
        "-o",
        "/new/home/plugins/resource-command-v1.2.1/pulumi-resource-command",
        ".",
      ],
    ]
  `);
  expect(goEnvironment).toEqual({ CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off', GOOS: '', GOARCH: '' });
});
