import { expect, test } from 'vitest';
import { findingText } from '../../../host/errors.ts';
import { loadSettings, SettingsError } from '../../../settings/load.ts';
import { noOverride } from '../../../settings/override-fields.ts';
import { ownedByUs } from '../../../settings/override-owned.ts';
import { services } from '../../../settings/services.ts';
import { envText, testInstance, testSecrets, type Variables } from '../../helpers/instance.ts';
import { registrationOf } from '../../helpers/pulumi-mocks.ts';
import { runStack, stackPlace } from '../../helpers/stack-run.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

function overridesOf(override: string, variables: Variables = {}) {
  const instance = testInstance({ text: envText(variables) });
  writeFiles(instance.dir, { 'docker-compose.override.yml': override });
  return loadSettings(instance, temporaryDir());
}

function problemsOf(override: string, variables: Variables = {}): readonly string[] {
  try {
    overridesOf(override, variables);
  } catch (error) {
    if (error instanceof SettingsError) return error.findings.map(findingText);
    throw error;
  }
  return [];
}

const inGateway = (lines: string) => `services:\n  gateway:\n${lines.replaceAll(/^/gm, '    ')}\n`;

test.each(['', '# nothing yet\n', 'services: {}\n', 'services:\n  db: {}\n'])('%j sets nothing', (text) => {
  expect(overridesOf(text).overrides).toEqual(Object.fromEntries(services.map((service) => [service, noOverride])));
});

test('every key of the subset, as list and as map, under both names of the gateway', () => {
  const { overrides, memoryMiB } = overridesOf(`services:
  gateway-go:
    environment: [HTTP_PROXY=http://10.0.0.9:3128, "PRICE=5$$", "FROM_ENV=\${LOG_LEVEL}"]
    labels: { team: data, tier: 1, watched: true }
    extra_hosts: ["county.example:10.0.0.7", "v6.example:::1"]
    ulimits: { nofile: 65536, nproc: { soft: 100, hard: 200 }, memlock: -1 }
    mem_limit: 1g
    cpu_shares: 2048
    volumes: ["/etc/ssl/certs:/etc/ssl/certs:ro"]
    ports: ["\${BIND_IP}:9081:8081"]
  prometheus:
    command: [--config.file=/etc/prometheus/prometheus.yml, --storage.tsdb.path=/prometheus, --log.level=debug]
`);
  expect(overrides.gateway).toEqual({
    environment: { HTTP_PROXY: 'http://10.0.0.9:3128', PRICE: '5$', FROM_ENV: 'info' },
    labels: { team: 'data', tier: '1', watched: 'true' },
    extraHosts: [
      { host: 'county.example', ip: '10.0.0.7' },
      { host: 'v6.example', ip: '::1' },
    ],
    ulimits: [
      { name: 'nofile', soft: 65536, hard: 65536 },
      { name: 'nproc', soft: 100, hard: 200 },
      { name: 'memlock', soft: -1, hard: -1 },
    ],
    memoryMiB: 1024,
    cpuShares: 2048,
    mounts: [{ hostPath: '/etc/ssl/certs', mountedAt: '/etc/ssl/certs' }],
    ports: [{ internal: 8081, external: 9081 }],
  });
  expect(overrides.prometheus.command).toHaveLength(3);
  expect(memoryMiB).toMatchObject({ gateway: 1024, db: 512 });
  expect(Object.isFrozen(overrides.gateway.ports)).toBe(true);
});

test('an IPv6 BIND_IP is in brackets', () => {
  const text = inGateway(`ports: ["[\${BIND_IP}]:9081:8081"]`);
  expect(overridesOf(text, { BIND_IP: '2001:DB8::0:1' }).overrides.gateway.ports).toHaveLength(1);
});

const bad: readonly string[] = [
  'version: "3"',
  'services:',
  'services:\n  web: {}',
  'services:\n  gateway:',
  'services:\n  gateway: {}\n  gateway-go: {}',
  'services: {\n',
  'a: 1\na: 2',
  '--- {}\n--- {}',
  inGateway('privileged: true\nnetwork_mode: host'),
  inGateway('command: [--help]'),
  inGateway('environment:\n  A:\n  LOG_LEVEL: debug\n  9A: x'),
  inGateway('environment: [A, B=1, B=2]'),
  inGateway('environment: text'),
  inGateway('environment:\n  A: 017\n  B: 1e3\n  C: 2026-01-01\n  D: 0x1f\n  E: 1_000'),
  inGateway('environment: &all\n  A: &one x\n  B: *one\n  C: !!str 5\n  D: !reset null'),
  inGateway(
    `environment:\n  A: $LOG_LEVEL\n  B: \${LOG_LEVEL:-x}\n  C: \${HOME}\n  D: \${LOG_LEVLE}\n  E: \${WORKER_TOKEN}`,
  ),
  inGateway(`environment:\n  ${testSecrets.WORKER_TOKEN}: x`),
  inGateway(`environment:\n  DB_PASSWORD: x\n  MY_API_KEY: x\n  URL: x${testSecrets.WORKER_TOKEN}x`),
  inGateway(
    `labels:\n  note: ${testSecrets.REDIS_PASSWORD}\n  com.docker.compose.project: x\n  taxlien-gateway.secrets: x`,
  ),
  inGateway('extra_hosts: ["a:host-gateway", "b=10.0.0.256", "-c=10.0.0.1", d]'),
  inGateway('ulimits: { nofiles: 1, nofile: many, nproc: { soft: 2, hard: 1 }, core: { soft: 1 } }'),
  inGateway('mem_limit: 63m\ncpu_shares: 1'),
  inGateway('mem_limit: 1.5g'),
  inGateway('<<: { mem_limit: 1g }'),
  inGateway(
    'volumes:\n  - /a:/b\n  - /a:/b:rw\n  - named:/b:ro\n  - /a/../b:/c:ro\n  - /a:/run/secrets/x:ro\n  - /a:/data:ro',
  ),
  inGateway('volumes:\n  - { type: bind, source: /a, target: /b }'),
  inGateway(`ports:\n  - 9081:8081\n  - 0.0.0.0:9081:8081\n  - \${BIND_IP}:5432:8081\n  - \${BIND_IP}:9081:8081/udp`),
  inGateway(`ports:\n  - \${BIND_IP}:9081:1\n  - \${BIND_IP}:9081:2\n  - 127.0.10.2:9082:1\n  - \${BIND_IP}:70000:1`),
  'services:\n  prometheus:\n    command: [--web.listen-address=:1, x, --storage.tsdb.path=/tmp]',
  'services:\n  prometheus:\n    command: --log.level=debug',
];

test('everything else is refused with its path and line, all at once, and no secret is shown', () => {
  const shown = bad.map((text) => problemsOf(text).join('\n') || `NOT REFUSED: ${text}`).join('\n');
  for (const secret of Object.values(testSecrets)) expect(shown).not.toContain(secret);
  expect(shown).not.toContain('NOT REFUSED');
  expect(shown).toMatchInlineSnapshot(`
    "E_OVERRIDE  dev/docker-compose.override.yml:1 version: is not supported (got 3). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:1 services: must be a map (got nothing). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:2 services.web: is not a service of this project (got {}). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:2 services.gateway: must be a map (got nothing). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway-go: is the gateway a second time (got both names). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:2: must be YAML that Compose and this project read alike (got Flow map in block collection must be sufficiently indented and end with a }). Correct it.
    E_OVERRIDE  dev/docker-compose.override.yml:2: must be YAML that Compose and this project read alike (got Map keys must be unique). Correct it.
    E_OVERRIDE  dev/docker-compose.override.yml:2: must be YAML that Compose and this project read alike (got Source contains multiple documents; please use YAML.parseAllDocuments()). Correct it.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.privileged: is not supported (got true). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:4 services.gateway.network_mode: is not supported (got host). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.command: is not supported (got ["--help"]). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:4 services.gateway.environment.A: must have a value: nothing is taken from the shell (got nothing). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:5 services.gateway.environment.LOG_LEVEL: is set by this project; change it in .env (got debug). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:6 services.gateway.environment.9A: must be named with letters, digits and "_" (got x). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.environment.0: must be text of the form key=value (got A). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.environment.2: is set a second time (got B=2). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.environment: must be a map, or a list of key=value (got text). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:4 services.gateway.environment.A: is read differently by different YAML parsers unless it is quoted (got 017). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:5 services.gateway.environment.B: is read differently by different YAML parsers unless it is quoted (got 1e3). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:6 services.gateway.environment.C: is read differently by different YAML parsers unless it is quoted (got 2026-01-01). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:7 services.gateway.environment.D: is read differently by different YAML parsers unless it is quoted (got 0x1f). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:8 services.gateway.environment.E: is read differently by different YAML parsers unless it is quoted (got 1_000). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:7: must be YAML that Compose and this project read alike (got Unresolved tag: !reset). Correct it.
    E_OVERRIDE  dev/docker-compose.override.yml:4 services.gateway.environment.A: has a "$" that is neither \${VARIABLE} nor $$ (got $LOG_LEVEL). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:5 services.gateway.environment.B: has a "$" that is neither \${VARIABLE} nor $$ (got \${LOG_LEVEL:-x}). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:6 services.gateway.environment.C: names HOME, which is not a variable of this project (got \${HOME}). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:7 services.gateway.environment.D: names LOG_LEVLE, which is not a variable of this project; did you mean LOG_LEVEL? (got \${LOG_LEVLE}). Correct or delete it; docs/override.md lists all.
    E_SECRET  dev/docker-compose.override.yml:8 services.gateway.environment.E: names the secret WORKER_TOKEN (got (set)). Secrets go into .env only.
    E_OVERRIDE  dev/docker-compose.override.yml:4 services.gateway.environment.(set): must be named with letters, digits and "_" (got x). Correct or delete it; docs/override.md lists all.
    E_SECRET  dev/docker-compose.override.yml:6 services.gateway.environment.URL: holds a secret (got (set)). Secrets go into .env only.
    E_SECRET  dev/docker-compose.override.yml:4 services.gateway.environment.DB_PASSWORD: has the name of a secret, and docker inspect shows it (got (set)). Secrets go into .env only.
    E_SECRET  dev/docker-compose.override.yml:5 services.gateway.environment.MY_API_KEY: has the name of a secret, and docker inspect shows it (got (set)). Secrets go into .env only.
    E_SECRET  dev/docker-compose.override.yml:4 services.gateway.labels.note: holds a secret (got (set)). Secrets go into .env only.
    E_OVERRIDE  dev/docker-compose.override.yml:5 services.gateway.labels.com.docker.compose.project: is a label of this project (got x). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:6 services.gateway.labels.taxlien-gateway.secrets: is a label of this project (got x). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.extra_hosts.0: must be text of the form key=value (got a:host-gateway). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.extra_hosts.3: must be text of the form key=value (got d). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.extra_hosts.1: must have one IPv4 or IPv6 address (got b=10.0.0.256). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.extra_hosts.2: must name a host (got -c=10.0.0.1). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.ulimits.nofiles: must be one of core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack (got 1). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.ulimits.nofile: must be a whole number from -1 to 999999999999999 (got many). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.ulimits.nproc: must have a soft limit within the hard one (got {"soft":"2","hard":"1"}). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.ulimits.core: must be a number, or a map of soft and hard (got {"soft":"1"}). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.mem_limit: must be whole MiB from 64m to 1024g (got 63m). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:4 services.gateway.cpu_shares: must be a whole number from 2 to 262144 (got 1). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.mem_limit: must be whole MiB from 64m to 1024g (got 1.5g). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.<<: must be a plain name (got <<). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:4 services.gateway.volumes.0: must be /path/on/host:/path/in/container:ro, both plain and absolute (got /a:/b). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:5 services.gateway.volumes.1: must be /path/on/host:/path/in/container:ro, both plain and absolute (got /a:/b:rw). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:6 services.gateway.volumes.2: must be /path/on/host:/path/in/container:ro, both plain and absolute (got named:/b:ro). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:7 services.gateway.volumes.3: must be /path/on/host:/path/in/container:ro, both plain and absolute (got /a/../b:/c:ro). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:8 services.gateway.volumes.4: overlaps another mount of this container (got /a:/run/secrets/x:ro). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:9 services.gateway.volumes.5: overlaps another mount of this container (got /a:/data:ro). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.gateway.volumes: must be a list of texts (got [{"type":"bind","source":"/a","target":"/b"}]). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:4 services.gateway.ports.0: must be "\${BIND_IP}:port:port in the container", TCP; IPv6 as "[\${BIND_IP}]:..." (got 9081:8081). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:5 services.gateway.ports.1: must be on BIND_IP, 127.0.10.1 (got 0.0.0.0:9081:8081). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:6 services.gateway.ports.2: has the port of db (got 127.0.10.1:5432:8081). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:7 services.gateway.ports.3: must be "\${BIND_IP}:port:port in the container", TCP; IPv6 as "[\${BIND_IP}]:..." (got 127.0.10.1:9081:8081/udp). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:5 services.gateway.ports.1: has the port of gateway (got 127.0.10.1:9081:2). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:6 services.gateway.ports.2: must be on BIND_IP, 127.0.10.1 (got 127.0.10.2:9082:1). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:7 services.gateway.ports.3: must be "\${BIND_IP}:port:port in the container", TCP; IPv6 as "[\${BIND_IP}]:..." (got 127.0.10.1:70000:1). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.prometheus.command.0: must stay as this project sets it (got --web.listen-address=:1). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.prometheus.command.1: must be one argument, --name or --name=value (got x). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.prometheus.command.2: must stay as this project sets it (got --storage.tsdb.path=/tmp). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.prometheus.command: replaces the whole command line, so it must contain --config.file=/etc/prometheus/prometheus.yml and --storage.tsdb.path=/prometheus (got ["--web.listen-address=:1","x","--storage.tsdb.path=/tmp"]). Correct or delete it; docs/override.md lists all.
    E_OVERRIDE  dev/docker-compose.override.yml:3 services.prometheus.command: must be a list of texts (got --log.level=debug). Correct or delete it; docs/override.md lists all."
  `);
});

test('its problems join those of the .env', () => {
  expect(problemsOf(inGateway('privileged: true\nports: ["10.0.0.9:1:1"]'), { BIND_IP: '::', DB_PORT: '0' })).toEqual([
    expect.stringContaining('.env:1 BIND_IP'),
    expect.stringContaining('.env:6 DB_PORT'),
    expect.stringContaining('docker-compose.override.yml:3 services.gateway.privileged'),
  ]);
});

test("a mount may not show the instance's files to a container", () => {
  const { instance } = overridesOf('');
  for (const dir of [instance.secretsDir, instance.defaultDataDir, instance.stateDir, instance.envFile, instance.dir]) {
    writeFiles(instance.dir, { 'docker-compose.override.yml': inGateway(`volumes: ["${dir}:/mnt:ro"]`) });
    expect(() => loadSettings(instance, temporaryDir())).toThrow("exposes the instance's data");
  }
});

test('the file may not change exactly what the services set', async () => {
  const place = stackPlace();
  const run = await runStack(place);
  for (const service of services) {
    const { inputs } = registrationOf(run, 'docker:index/container:Container', `taxlien-${service}`);
    const names = inputs.envs.map((entry: string) => entry.split('=')[0]);
    expect(ownedByUs[service].environment.filter((name) => name !== 'PGDATA').toSorted()).toEqual(names.toSorted());
    const targets = [
      ...inputs.volumes.map(({ containerPath }: { containerPath: string }) => containerPath),
      ...Object.keys(inputs.tmpfs ?? {}),
    ];
    expect(new Set(ownedByUs[service].mounts)).toEqual(new Set(['/run/secrets', '/proc', '/sys', '/dev', ...targets]));
  }
});
