import { expect, test } from 'vitest';
import { services } from '../../../settings/services.ts';
import { registrationOf } from '../../helpers/pulumi-mocks.ts';
import { runStack, stackPlace } from '../../helpers/stack-run.ts';

/** What every container has, whatever it runs. */
const shared = {
  capabilities: { drops: ['ALL'] },
  cpuShares: 1024,
  logDriver: 'json-file',
  logOpts: { 'max-file': '3', 'max-size': '10m' },
  readOnly: true,
  removeVolumes: false,
  restart: 'unless-stopped',
  securityOpts: ['no-new-privileges'],
};

const container = 'docker:index/container:Container';

test('every container: hardening, limits, logs, and its own port on BIND_IP alone', async () => {
  const run = await runStack({ ...stackPlace(), env: 'prod', variables: { REDIS_PORT: '6380', DB_MEMORY_MIB: '600' } });
  const external = { gateway: 8081, db: 5432, redis: 6380, prometheus: 9090, grafana: 3000 };
  const memory = { gateway: 256, db: 600, redis: 256, prometheus: 512, grafana: 512 };
  for (const service of services) {
    const { inputs, ...rest } = registrationOf(run, container, `taxlien-${service}`);
    expect(inputs).toMatchObject(shared);
    expect(inputs.ports).toEqual([{ internal: expect.any(Number), external: external[service], ip: '127.0.10.1' }]);
    expect([inputs.memory, inputs.memorySwap]).toEqual([memory[service], memory[service]]);
    expect(inputs.stopTimeout).toBe(inputs.destroyGraceSeconds);
    expect(inputs.networksAdvanced).toEqual([{ name: 'taxlien-gateway-prod_default', aliases: [service] }]);
    expect(inputs.user).toMatch(/^[1-9][0-9]*:[0-9]+$/);
    expect([rest.isDeletedBeforeReplace, rest.replaceOnChanges]).toEqual([true, ['*']]);
  }
});

test('an unpublished port has no mapping and no URL', async () => {
  const run = await runStack({ ...stackPlace(), variables: { DB_PUBLISH: 'false', REDIS_PUBLISH: 'false' } });
  const ports = services.map((service) => registrationOf(run, container, `taxlien-${service}`).inputs.ports.length);
  expect(ports).toEqual([1, 0, 0, 1, 1]);
  expect(Object.keys(run.result.urls)).toEqual(['gateway', 'prometheus', 'grafana']);
});

test('labels: those that tools for Compose look for, the environment and the generation of the secrets', async () => {
  const run = await runStack(stackPlace());
  const labelsOf = (service: string) =>
    Object.fromEntries(
      registrationOf(run, container, `taxlien-${service}`).inputs.labels.map(
        ({ label, value }: { label: string; value: string }) => [label, value],
      ),
    );
  const common = (service: string) => ({
    'com.docker.compose.container-number': '1',
    'com.docker.compose.oneoff': 'False',
    'com.docker.compose.project': 'taxlien-gateway-dev',
    'com.docker.compose.service': service,
    'taxlien-gateway.environment': 'dev',
  });
  const withSecrets = (service: string, generation: string) => ({
    ...common(service),
    'taxlien-gateway.secrets': generation,
  });
  expect(services.map(labelsOf)).toEqual([
    withSecrets('gateway', 'gw-1'),
    withSecrets('db', 'db-1'),
    withSecrets('redis', 'redis-1'),
    common('prometheus'),
    withSecrets('grafana', 'gf-1'),
  ]);
});

test('what differs between services', async () => {
  const place = stackPlace();
  const run = await runStack(place);
  const hidden = new Set([
    ...Object.keys(shared),
    'labels',
    'networksAdvanced',
    'memory',
    'memorySwap',
    'ports',
    'stopTimeout',
  ]);
  const differing = services.map((service) => {
    const { inputs } = registrationOf(run, container, `taxlien-${service}`);
    const { interval, timeout, retries, startPeriod, tests } = inputs.healthcheck;
    expect({ interval, timeout, retries }).toEqual({ interval: '3s', timeout: '3s', retries: 5 });
    const own = Object.entries({ ...inputs, healthcheck: `${tests.join(' ')} (${startPeriod})` }).filter(
      ([key]) => !hidden.has(key),
    );
    return [service, { ...Object.fromEntries(own), internalPort: inputs.ports[0].internal }];
  });
  const text = JSON.stringify(Object.fromEntries(differing))
    .replaceAll(place.root, '<root>')
    .replaceAll(/config\/[0-9a-f]{64}/g, 'config/<hash>')
    .replaceAll(/build-[0-9a-f]{12}/g, 'build-<hash>');
  expect(JSON.parse(text)).toMatchInlineSnapshot(`
    {
      "db": {
        "destroyGraceSeconds": 120,
        "envs": [
          "POSTGRES_DB=gateway",
          "POSTGRES_INITDB_ARGS=--data-checksums --auth-host=scram-sha-256 --auth-local=scram-sha-256",
          "POSTGRES_PASSWORD_FILE=/run/secrets/postgres_password",
          "POSTGRES_USER=gateway",
        ],
        "healthcheck": "CMD pg_isready -q -h 127.0.0.1 -U gateway -d gateway (2m0s)",
        "image": "sha256 of postgres:16.15-alpine3.23",
        "internalPort": 5432,
        "name": "taxlien-gateway-dev-db",
        "networkMode": "bridge",
        "tmpfs": {
          "/run/postgresql": "uid=70,gid=70,mode=0750",
          "/tmp": "mode=1777",
        },
        "user": "70:70",
        "volumes": [
          {
            "containerPath": "/var/lib/postgresql/data",
            "volumeName": "taxlien-gateway-dev_postgres",
          },
          {
            "containerPath": "/run/secrets",
            "hostPath": "<root>/dev/secrets/db",
            "readOnly": true,
          },
        ],
      },
      "gateway": {
        "destroyGraceSeconds": 30,
        "envs": [
          "DB_HOST=db",
          "DB_NAME=gateway",
          "DB_PASSWORD_FILE=/run/secrets/db_password",
          "DB_PORT=5432",
          "DB_USER=gateway",
          "DEPLOY_ENV=dev",
          "LEASE_SECONDS=60",
          "LOG_LEVEL=info",
          "METRICS_PUBLIC=false",
          "RATE_LIMIT_PER_MINUTE=600",
          "RAW_DIR=/data/raw",
          "REDIS_ADDR=redis:6379",
          "REDIS_PASSWORD_FILE=/run/secrets/redis_password",
          "WORKER_TOKEN_FILE=/run/secrets/worker_token",
        ],
        "healthcheck": "CMD /gateway health (30s)",
        "image": "sha256 of taxlien-gateway-dev/gateway:dev-build-<hash>",
        "internalPort": 8081,
        "name": "taxlien-gateway-dev-gateway",
        "networkMode": "bridge",
        "user": "65532:65532",
        "volumes": [
          {
            "containerPath": "/data/raw",
            "volumeName": "taxlien-gateway-dev_raw",
          },
          {
            "containerPath": "/run/secrets",
            "hostPath": "<root>/dev/secrets/gateway",
            "readOnly": true,
          },
        ],
      },
      "grafana": {
        "destroyGraceSeconds": 30,
        "envs": [
          "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES=false",
          "GF_ANALYTICS_CHECK_FOR_UPDATES=false",
          "GF_ANALYTICS_REPORTING_ENABLED=false",
          "GF_LOG_MODE=console",
          "GF_PLUGINS_PREINSTALL_AUTO_UPDATE=false",
          "GF_PLUGINS_PREINSTALL_DISABLED=true",
          "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED=true",
          "GF_SECURITY_ADMIN_PASSWORD__FILE=/run/secrets/admin_password",
          "GF_SECURITY_ADMIN_USER=admin",
          "GF_USERS_ALLOW_SIGN_UP=false",
        ],
        "healthcheck": "CMD wget -q -O /dev/null http://127.0.0.1:3000/api/health (2m0s)",
        "image": "sha256 of grafana/grafana:12.4.12",
        "internalPort": 3000,
        "name": "taxlien-gateway-dev-grafana",
        "networkMode": "bridge",
        "tmpfs": {
          "/tmp": "mode=1777",
        },
        "user": "472:0",
        "volumes": [
          {
            "containerPath": "/var/lib/grafana",
            "volumeName": "taxlien-gateway-dev_grafana",
          },
          {
            "containerPath": "/run/secrets",
            "hostPath": "<root>/dev/secrets/grafana",
            "readOnly": true,
          },
          {
            "containerPath": "/etc/grafana/provisioning",
            "hostPath": "<root>/dev/config/<hash>",
            "readOnly": true,
          },
          {
            "containerPath": "/etc/grafana/dashboards",
            "hostPath": "<root>/dev/config/<hash>",
            "readOnly": true,
          },
        ],
      },
      "prometheus": {
        "command": [
          "--config.file=/etc/prometheus/prometheus.yml",
          "--storage.tsdb.path=/prometheus",
          "--storage.tsdb.retention.time=15d",
        ],
        "destroyGraceSeconds": 30,
        "envs": [],
        "healthcheck": "CMD wget -q -O /dev/null http://127.0.0.1:9090/-/ready (1m0s)",
        "image": "sha256 of prom/prometheus:v3.13.5",
        "internalPort": 9090,
        "name": "taxlien-gateway-dev-prometheus",
        "networkMode": "bridge",
        "user": "65534:65534",
        "volumes": [
          {
            "containerPath": "/prometheus",
            "volumeName": "taxlien-gateway-dev_prometheus",
          },
          {
            "containerPath": "/etc/prometheus",
            "hostPath": "<root>/dev/config/<hash>",
            "readOnly": true,
          },
        ],
      },
      "redis": {
        "command": [
          "redis-server",
          "/run/secrets/redis.conf",
          "--dir",
          "/data",
          "--appendonly",
          "yes",
          "--maxmemory",
          "192mb",
          "--maxmemory-policy",
          "noeviction",
        ],
        "destroyGraceSeconds": 30,
        "envs": [],
        "healthcheck": "CMD-SHELL REDISCLI_AUTH="$(cat /run/secrets/redis_password)" redis-cli ping | grep -qx PONG (30s)",
        "image": "sha256 of redis:7.4.11-alpine3.21",
        "internalPort": 6379,
        "name": "taxlien-gateway-dev-redis",
        "networkMode": "bridge",
        "user": "999:1000",
        "volumes": [
          {
            "containerPath": "/data",
            "volumeName": "taxlien-gateway-dev_redis",
          },
          {
            "containerPath": "/run/secrets",
            "hostPath": "<root>/dev/secrets/redis",
            "readOnly": true,
          },
        ],
      },
    }
  `);
});
