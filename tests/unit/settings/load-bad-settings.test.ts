import { expect, test } from 'vitest';
import { envText, leastVariables } from '../../helpers/instance.ts';
import { problemsOf } from '../../helpers/problems.ts';

test('bad values: one message each', () => {
  const bad: readonly (readonly [string, string | undefined])[] = [
    ['BIND_IP', undefined],
    ['BIND_IP', ''],
    ['BIND_IP', '0.0.0.0'],
    ['BIND_IP', '0.0.0.1'],
    ['BIND_IP', '::'],
    ['BIND_IP', '0:0:0:0:0:0:0:0'],
    ['BIND_IP', '224.0.0.1'],
    ['BIND_IP', '255.255.255.255'],
    ['BIND_IP', 'ff02::1'],
    ['BIND_IP', '10.0.0.256'],
    ['BIND_IP', '010.0.0.1'],
    ['BIND_IP', '10.0.0.4:80'],
    ['BIND_IP', 'localhost'],
    ['BIND_IP', 'x; id'],
    ['BIND_IP', '::ffff:10.0.0.4'],
    ['BIND_IP', 'fe80::1'],
    ['BIND_IP', 'febf::1'],
    ['BIND_IP', 'fe80::1%eth0'],
    ['COMPOSE_PROJECT_NAME', ''],
    ['COMPOSE_PROJECT_NAME', '-a'],
    ['COMPOSE_PROJECT_NAME', 'Gateway'],
    ['COMPOSE_PROJECT_NAME', 'a'.repeat(41)],
    ['GATEWAY_PORT', '99999'],
    ['GATEWAY_PORT', '65536'],
    ['DB_PORT', '0'],
    ['REDIS_PORT', '080'],
    ['PROMETHEUS_PORT', ''],
    ['GRAFANA_PORT', '-1'],
    ['GRAFANA_PORT', '3000.5'],
    ['GRAFANA_PORT', '1e3'],
    ['GRAFANA_PORT', '9999999999'],
    ['DATA_DIR', 'data'],
    ['DATA_DIR', '/'],
    ['DATA_DIR', '//'],
    ['DATA_DIR', '/srv/a:ro'],
    ['DATA_DIR', '/srv/a,readonly'],
    ['POSTGRES_USER', 'gate-way'],
    ['POSTGRES_DB', 'd'.repeat(64)],
    ['GRAFANA_ADMIN_USER', 'a b'],
    ['PROMETHEUS_RETENTION_DAYS', '0'],
    ['LOG_LEVEL', 'verbose'],
    ['RATE_LIMIT_PER_MINUTE', '1000001'],
    ['LEASE_SECONDS', '1m'],
    ['GO_PROXY', 'a b'],
    ['ALLOW_DIRTY', 'yes'],
    ['GATEWAY_MEMORY_MIB', '63'],
    ['DB_MEMORY_MIB', '1048577'],
    ['REDIS_MEMORY_MIB', '256m'],
    ['PROMETHEUS_MEMORY_MIB', '0'],
    ['GRAFANA_MEMORY_MIB', '1g'],
    ['POSTGRES_PASSWORD', undefined],
    ['POSTGRES_PASSWORD', ''],
    ['REDIS_PASSWORD', 'hunter2-hunter2'],
    ['WORKER_TOKEN', 'hunter2'.repeat(29)],
    ['GRAFANA_ADMIN_PASSWORD', 'hunter2 hunter2 hunter2'],
    ['BIND_IPP', '10.0.0.4'],
    ['gateway_port', '8081'],
    ['POSTGRES_PASWORD', 'hunter2-hunter2-hunter2'],
    ['HTTP_PROXY', 'hunter2'],
    ['constructor', 'hunter2'],
    ['DB_PORT', '$PORT'],
  ];
  const shown = bad.map(([variable, value]) => {
    const problems = problemsOf(envText({ [variable]: value }));
    expect(problems, `${variable}=${value}`).toHaveLength(1);
    expect(problems[0]).not.toContain('hunter2');
    return problems[0];
  });
  expect(shown.join('\n')).toMatchInlineSnapshot(`
    "E_BIND_IP  dev/.env BIND_IP: is missing (got nothing). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be the address that this instance owns (got ""). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be one address, not all of the host (got 0.0.0.0). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be one address, not all of the host (got 0.0.0.1). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be one address, not all of the host (got ::). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be one address, not all of the host (got 0:0:0:0:0:0:0:0). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be a unicast address (got 224.0.0.1). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be a unicast address (got 255.255.255.255). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be a unicast address (got ff02::1). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be an IPv4 or IPv6 address (got 10.0.0.256). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be an IPv4 or IPv6 address (got 010.0.0.1). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be an IPv4 or IPv6 address (got 10.0.0.4:80). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be an IPv4 or IPv6 address (got localhost). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be an IPv4 or IPv6 address (got x; id). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must be plain IPv4 or IPv6, not one inside the other (got ::ffff:10.0.0.4). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must not be link-local: it is not unique on this host (got fe80::1). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must not be link-local: it is not unique on this host (got febf::1). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_BIND_IP  dev/.env:1 BIND_IP: must not have a zone: Docker accepts none (got fe80::1%eth0). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_SETTING  dev/.env:6 COMPOSE_PROJECT_NAME: must be 1 to 40 lower-case letters, digits, "-" or "_", the first a letter or digit (got ""). Set it in <root>/dev/.env, e.g. COMPOSE_PROJECT_NAME=taxlien-gateway-dev.
    E_SETTING  dev/.env:6 COMPOSE_PROJECT_NAME: must be 1 to 40 lower-case letters, digits, "-" or "_", the first a letter or digit (got -a). Set it in <root>/dev/.env, e.g. COMPOSE_PROJECT_NAME=taxlien-gateway-dev.
    E_SETTING  dev/.env:6 COMPOSE_PROJECT_NAME: must be 1 to 40 lower-case letters, digits, "-" or "_", the first a letter or digit (got Gateway). Set it in <root>/dev/.env, e.g. COMPOSE_PROJECT_NAME=taxlien-gateway-dev.
    E_SETTING  dev/.env:6 COMPOSE_PROJECT_NAME: must be 1 to 40 lower-case letters, digits, "-" or "_", the first a letter or digit (got aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa). Set it in <root>/dev/.env, e.g. COMPOSE_PROJECT_NAME=taxlien-gateway-dev.
    E_PORT  dev/.env:6 GATEWAY_PORT: must be a whole number from 1 to 65535 (got 99999). Set it in <root>/dev/.env, e.g. GATEWAY_PORT=8081.
    E_PORT  dev/.env:6 GATEWAY_PORT: must be a whole number from 1 to 65535 (got 65536). Set it in <root>/dev/.env, e.g. GATEWAY_PORT=8081.
    E_PORT  dev/.env:6 DB_PORT: must be a whole number from 1 to 65535 (got 0). Set it in <root>/dev/.env, e.g. DB_PORT=5432.
    E_PORT  dev/.env:6 REDIS_PORT: must be a whole number from 1 to 65535 (got 080). Set it in <root>/dev/.env, e.g. REDIS_PORT=6379.
    E_PORT  dev/.env:6 PROMETHEUS_PORT: must be a whole number from 1 to 65535 (got ""). Set it in <root>/dev/.env, e.g. PROMETHEUS_PORT=9090.
    E_PORT  dev/.env:6 GRAFANA_PORT: must be a whole number from 1 to 65535 (got -1). Set it in <root>/dev/.env, e.g. GRAFANA_PORT=3000.
    E_PORT  dev/.env:6 GRAFANA_PORT: must be a whole number from 1 to 65535 (got 3000.5). Set it in <root>/dev/.env, e.g. GRAFANA_PORT=3000.
    E_PORT  dev/.env:6 GRAFANA_PORT: must be a whole number from 1 to 65535 (got 1e3). Set it in <root>/dev/.env, e.g. GRAFANA_PORT=3000.
    E_PORT  dev/.env:6 GRAFANA_PORT: must be a whole number from 1 to 65535 (got 9999999999). Set it in <root>/dev/.env, e.g. GRAFANA_PORT=3000.
    E_SETTING  dev/.env:6 DATA_DIR: must be an absolute path other than "/", without ":" or "," (got data). Set it in <root>/dev/.env, e.g. DATA_DIR=<root>/dev/data.
    E_SETTING  dev/.env:6 DATA_DIR: must be an absolute path other than "/", without ":" or "," (got /). Set it in <root>/dev/.env, e.g. DATA_DIR=<root>/dev/data.
    E_SETTING  dev/.env:6 DATA_DIR: must be an absolute path other than "/", without ":" or "," (got //). Set it in <root>/dev/.env, e.g. DATA_DIR=<root>/dev/data.
    E_SETTING  dev/.env:6 DATA_DIR: must be an absolute path other than "/", without ":" or "," (got /srv/a:ro). Set it in <root>/dev/.env, e.g. DATA_DIR=<root>/dev/data.
    E_SETTING  dev/.env:6 DATA_DIR: must be an absolute path other than "/", without ":" or "," (got /srv/a,readonly). Set it in <root>/dev/.env, e.g. DATA_DIR=<root>/dev/data.
    E_SETTING  dev/.env:6 POSTGRES_USER: must be 1 to 63 lower-case letters, digits or "_", the first not a digit (got gate-way). Set it in <root>/dev/.env, e.g. POSTGRES_USER=gateway.
    E_SETTING  dev/.env:6 POSTGRES_DB: must be 1 to 63 lower-case letters, digits or "_", the first not a digit (got dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd). Set it in <root>/dev/.env, e.g. POSTGRES_DB=gateway.
    E_SETTING  dev/.env:6 GRAFANA_ADMIN_USER: must be 1 to 64 letters, digits, "_", ".", "@" or "-" (got a b). Set it in <root>/dev/.env, e.g. GRAFANA_ADMIN_USER=admin.
    E_SETTING  dev/.env:6 PROMETHEUS_RETENTION_DAYS: must be a whole number from 1 to 3650 (days) (got 0). Set it in <root>/dev/.env, e.g. PROMETHEUS_RETENTION_DAYS=15.
    E_SETTING  dev/.env:6 LOG_LEVEL: must be debug, info, warn or error (got verbose). Set it in <root>/dev/.env, e.g. LOG_LEVEL=info.
    E_SETTING  dev/.env:6 RATE_LIMIT_PER_MINUTE: must be a whole number from 1 to 1000000 (got 1000001). Set it in <root>/dev/.env, e.g. RATE_LIMIT_PER_MINUTE=600.
    E_SETTING  dev/.env:6 LEASE_SECONDS: must be a whole number from 1 to 86400 (seconds) (got 1m). Set it in <root>/dev/.env, e.g. LEASE_SECONDS=60.
    E_SETTING  dev/.env:6 GO_PROXY: must be a GOPROXY list without blanks (got a b). Set it in <root>/dev/.env, e.g. GO_PROXY=.
    E_SETTING  dev/.env:6 ALLOW_DIRTY: must be true or false (got yes). Set it in <root>/dev/.env, e.g. ALLOW_DIRTY=false.
    E_SETTING  dev/.env:6 GATEWAY_MEMORY_MIB: must be a whole number from 64 to 1048576 (MiB) (got 63). Set it in <root>/dev/.env, e.g. GATEWAY_MEMORY_MIB=256.
    E_SETTING  dev/.env:6 DB_MEMORY_MIB: must be a whole number from 64 to 1048576 (MiB) (got 1048577). Set it in <root>/dev/.env, e.g. DB_MEMORY_MIB=512.
    E_SETTING  dev/.env:6 REDIS_MEMORY_MIB: must be a whole number from 64 to 1048576 (MiB) (got 256m). Set it in <root>/dev/.env, e.g. REDIS_MEMORY_MIB=256.
    E_SETTING  dev/.env:6 PROMETHEUS_MEMORY_MIB: must be a whole number from 64 to 1048576 (MiB) (got 0). Set it in <root>/dev/.env, e.g. PROMETHEUS_MEMORY_MIB=512.
    E_SETTING  dev/.env:6 GRAFANA_MEMORY_MIB: must be a whole number from 64 to 1048576 (MiB) (got 1g). Set it in <root>/dev/.env, e.g. GRAFANA_MEMORY_MIB=512.
    E_SECRET  dev/.env POSTGRES_PASSWORD: is missing (got nothing). Set it in <root>/dev/.env, e.g. to what "openssl rand -hex 32" prints.
    E_SECRET  dev/.env:2 POSTGRES_PASSWORD: must have 16 to 200 characters (got (empty)). Set it in <root>/dev/.env, e.g. to what "openssl rand -hex 32" prints.
    E_SECRET  dev/.env:3 REDIS_PASSWORD: must have 16 to 200 characters (got (set)). Set it in <root>/dev/.env, e.g. to what "openssl rand -hex 32" prints.
    E_SECRET  dev/.env:4 WORKER_TOKEN: must have 16 to 200 characters (got (set)). Set it in <root>/dev/.env, e.g. to what "openssl rand -hex 32" prints.
    E_SECRET  dev/.env:5 GRAFANA_ADMIN_PASSWORD: must be printable ASCII without blanks (got (set)). Set it in <root>/dev/.env, e.g. to what "openssl rand -hex 32" prints.
    E_UNKNOWN_KEY  dev/.env:6 BIND_IPP: is not a variable of this project. Did you mean BIND_IP?
    E_UNKNOWN_KEY  dev/.env:6 gateway_port: is not a variable of this project. Did you mean GATEWAY_PORT?
    E_UNKNOWN_KEY  dev/.env:6 POSTGRES_PASWORD: is not a variable of this project. Did you mean POSTGRES_PASSWORD?
    E_UNKNOWN_KEY  dev/.env:6 HTTP_PROXY: is not a variable of this project. Delete the line; .env.example lists all.
    E_UNKNOWN_KEY  dev/.env:6 constructor: is not a variable of this project. Delete the line; .env.example lists all.
    E_ENV_SYNTAX  dev/.env:6 DB_PORT: has $ in a plain value, which Compose may expand. Put the value in single quotes."
  `);
});

test('a misspelt or unreadable required variable is named once, and not called missing too', () => {
  expect(problemsOf(envText({ BIND_IP: undefined, BIND_PI: '10.0.0.4' }))).toMatchInlineSnapshot(`
    [
      "E_UNKNOWN_KEY  dev/.env:5 BIND_PI: is not a variable of this project. Did you mean BIND_IP?",
    ]
  `);
  expect(problemsOf(envText({ BIND_IP: '$IP' }))).toMatchInlineSnapshot(`
    [
      "E_ENV_SYNTAX  dev/.env:1 BIND_IP: has $ in a plain value, which Compose may expand. Put the value in single quotes.",
    ]
  `);
});

test('all problems at once, in the order of the file and then of the schema', () => {
  const text = `nonsense\n${envText({ BIND_IP: '0.0.0.0', DB_PORT: '0', WORKER_TOKEN: undefined })}\nGATEWAY_PROT=1\n`;
  expect(problemsOf(text, 'config:\n  taxlien-gateway:REDIS_PORT: 99999\n')).toMatchInlineSnapshot(`
    [
      "E_ENV_SYNTAX  dev/.env:1: is not a KEY=value line. Add "=" or make it a comment with "#".",
      "E_UNKNOWN_KEY  dev/.env:8 GATEWAY_PROT: is not a variable of this project. Did you mean GATEWAY_PORT?",
      "E_BIND_IP  dev/.env:2 BIND_IP: must be one address, not all of the host (got 0.0.0.0). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.",
      "E_PORT  dev/.env:6 DB_PORT: must be a whole number from 1 to 65535 (got 0). Set it in <root>/dev/.env, e.g. DB_PORT=5432.",
      "E_PORT  Pulumi.dev.yaml config.taxlien-gateway:REDIS_PORT: must be a whole number from 1 to 65535 (got 99999). Set it in <root>/dev/.env, e.g. REDIS_PORT=6379.",
      "E_SECRET  dev/.env WORKER_TOKEN: is missing (got nothing). Set it in <root>/dev/.env, e.g. to what "openssl rand -hex 32" prints.",
    ]
  `);
});

test('no message of any variable shows a secret', () => {
  const text = envText(
    Object.fromEntries(Object.keys(leastVariables).map((variable) => [variable, 'hunter2 hunter2'])),
  );
  expect(problemsOf(text).filter((problem) => problem.includes('hunter2'))).toEqual([
    expect.stringMatching(/^E_BIND_IP .*\(got hunter2 hunter2\)/),
  ]);
});
