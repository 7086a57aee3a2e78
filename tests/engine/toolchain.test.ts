import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PartName, platformOf, units } from '../../bootstrap/toolchain/parts.ts';
import { ensureToolchain, type Toolchain } from '../../bootstrap/toolchain/toolchain.ts';
import { userDirs } from '../../settings/instance.ts';
import { containersOf, gatewayctl, makeShell, type Shell, tearDown } from '../helpers/engine.ts';
import { pathWithout } from '../helpers/path-without.ts';
import { makeReleases, type Releases, serve } from '../helpers/releases.ts';

const project = 'taxlien-gateway-dev';
const services = ['db', 'gateway', 'grafana', 'prometheus', 'redis'];
const platform = platformOf(process.platform, process.arch);
const quiet = { step() {}, tick() {}, done() {} };
let scratch: string;
let shell: Shell;
let releases: Releases;
let server: Awaited<ReturnType<typeof serve>>;

// This machine's parts replace the official ones, in archives and lists of their publishers' formats.
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'taxlien-gateway-toolchain-'));
  const { binDir } = await ensureToolchain({ cacheDir: userDirs().cacheDir, progress: quiet });
  const programs = units.flatMap(({ parts }) => parts.map(({ name, file }) => [name, join(dirname(binDir), file)]));
  const mirror = join(scratch, 'mirror');
  releases = await makeReleases(mirror, platform, Object.fromEntries(programs) as Record<PartName, string>);
  server = await serve(mirror);
  shell = {
    ...(await makeShell('toolchain')),
    env: {
      ...process.env,
      PATH: pathWithout('go', process.env.PATH ?? '', scratch),
      HOME: scratch,
      XDG_CACHE_HOME: join(scratch, 'cache'),
      TAXLIEN_GATEWAY_MIRROR: server.url,
    },
  };
});

afterAll(async () => {
  await tearDown(shell, 'dev');
  await server.close();
  rmSync(scratch, { recursive: true, force: true });
});

const install = async () => JSON.parse((await gatewayctl(shell, ['toolchain', '--json'])).stdout) as Toolchain;

test('an engine that is not the pinned one is refused, and nothing is installed', async () => {
  const { exitCode, stderr } = await gatewayctl(shell, ['toolchain'], 'any');
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /pulumi-3\.259\.0-checksums\.txt: SHA-256 of pulumi-v3\.259\.0-\S+ must be [0-9a-f]{64} \(got/,
  );
  expect(readdirSync(join(scratch, 'cache/taxlien-gateway/toolchain'))).toEqual([]);
});

test("without Go, the parts come from the releases, each checked with its publisher's checksum", async () => {
  const key = `${platform.os}-${platform.arch}`;
  const pinsFile = join(shell.checkout.dir, 'bootstrap/toolchain/parts.ts');
  const [official = '', own = ''] = [units, releases.units].map(([engine]) => engine?.release.sha256?.[key]);
  writeFileSync(pinsFile, readFileSync(pinsFile, 'utf8').replace(official, own));
  const { parts } = await install();
  expect(Object.fromEntries(Object.entries(parts).map(([name, { origin }]) => [name, origin]))).toEqual({
    pulumi: 'official',
    'language-nodejs': 'official',
    docker: 'official',
    command: 'official',
  });
  expect([parts.pulumi.source, parts.docker.source, parts.command.source].map((text) => text.split(', ')[1])).toEqual([
    'SHA-256 verified',
    'SHA-1 verified',
    'SHA-256 verified',
  ]);
});

test('up starts five healthy containers with them', async () => {
  const { stderr } = await gatewayctl(shell, ['up', 'dev']);
  expect(stderr).not.toContain('was built here');
  const containers = await containersOf(project);
  expect(Object.keys(containers).sort()).toEqual(services);
  expect(Object.values(containers).map(({ State }) => State.Health.Status)).toEqual(services.map(() => 'healthy'));
});

test('up reports once that the docker plugin was built here', async () => {
  const { binDir, parts } = await install();
  const stamp = { ...parts, docker: { ...parts.docker, origin: 'built' } };
  writeFileSync(join(dirname(binDir), 'toolchain.json'), JSON.stringify(stamp));
  const { stderr } = await gatewayctl(shell, ['up', 'dev']);
  expect(stderr.match(/the docker plugin was built here.*gatewayctl toolchain --renew/g)).toHaveLength(1);
});

test('a renewal fetches all parts again', async () => {
  const asked = server.asked.length;
  await gatewayctl(shell, ['toolchain', '--renew']);
  expect(server.asked.slice(asked).sort()).toEqual(
    releases.units.flatMap((unit) => [releases.archiveOf(unit), releases.listOf(unit)]).sort(),
  );
  expect((await install()).parts.docker.origin).toBe('official');
});
