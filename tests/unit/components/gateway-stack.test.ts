import { createHash } from 'node:crypto';
import * as pulumi from '@pulumi/pulumi';
import { describe, expect, test } from 'vitest';
import { testSecrets } from '../../helpers/instance.ts';
import { type ProgramRun, registrationOf } from '../../helpers/pulumi-mocks.ts';
import { runStack, stackPlace } from '../../helpers/stack-run.ts';
import { writeFiles } from '../../helpers/temporary.ts';

const urnStart = 'urn:pulumi:dev::taxlien-gateway::';
const shortUrn = (urn: string) => urn.replace(urnStart, '');

test('the registered resources and their parents', async () => {
  const run = await runStack(stackPlace());
  const tree = run.registrations.map(({ type, name, parent }) => `${type} ${name} < ${shortUrn(parent)}`);
  expect(`\n${tree.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    taxlien:index:GatewayStack taxlien < 
    command:local:Command taxlien-data-markers < taxlien:index:GatewayStack::taxlien
    docker:index/container:Container taxlien-db < taxlien:index:GatewayStack$taxlien:index:Service::taxlien-db
    taxlien:index:Service taxlien-db < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-db-healthy < taxlien:index:GatewayStack$taxlien:index:Service::taxlien-db
    docker:index/remoteImage:RemoteImage taxlien-db-image < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-db-tag < taxlien:index:GatewayStack::taxlien
    docker:index/container:Container taxlien-gateway < taxlien:index:GatewayStack$taxlien:index:Service::taxlien-gateway
    taxlien:index:Service taxlien-gateway < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-gateway-commit-tag < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-gateway-healthy < taxlien:index:GatewayStack$taxlien:index:Service::taxlien-gateway
    docker:index/remoteImage:RemoteImage taxlien-gateway-image < taxlien:index:GatewayStack$taxlien:index:LocalImage::taxlien-gateway-image
    taxlien:index:LocalImage taxlien-gateway-image < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-gateway-migrate < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-gateway-selfcheck < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-gateway-tag < taxlien:index:GatewayStack::taxlien
    docker:index/container:Container taxlien-grafana < taxlien:index:GatewayStack$taxlien:index:Service::taxlien-grafana
    taxlien:index:Service taxlien-grafana < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-grafana-healthy < taxlien:index:GatewayStack$taxlien:index:Service::taxlien-grafana
    docker:index/remoteImage:RemoteImage taxlien-grafana-image < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-grafana-tag < taxlien:index:GatewayStack::taxlien
    docker:index/volume:Volume taxlien-grafana-volume < taxlien:index:GatewayStack$taxlien:index:DataVolume::taxlien-grafana-volume
    taxlien:index:DataVolume taxlien-grafana-volume < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-host-paths < taxlien:index:GatewayStack::taxlien
    docker:index/network:Network taxlien-network < taxlien:index:GatewayStack::taxlien
    docker:index/volume:Volume taxlien-postgres-volume < taxlien:index:GatewayStack$taxlien:index:DataVolume::taxlien-postgres-volume
    taxlien:index:DataVolume taxlien-postgres-volume < taxlien:index:GatewayStack::taxlien
    docker:index/container:Container taxlien-prometheus < taxlien:index:GatewayStack$taxlien:index:Service::taxlien-prometheus
    taxlien:index:Service taxlien-prometheus < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-prometheus-healthy < taxlien:index:GatewayStack$taxlien:index:Service::taxlien-prometheus
    docker:index/remoteImage:RemoteImage taxlien-prometheus-image < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-prometheus-tag < taxlien:index:GatewayStack::taxlien
    docker:index/volume:Volume taxlien-prometheus-volume < taxlien:index:GatewayStack$taxlien:index:DataVolume::taxlien-prometheus-volume
    taxlien:index:DataVolume taxlien-prometheus-volume < taxlien:index:GatewayStack::taxlien
    docker:index/volume:Volume taxlien-raw-volume < taxlien:index:GatewayStack$taxlien:index:DataVolume::taxlien-raw-volume
    taxlien:index:DataVolume taxlien-raw-volume < taxlien:index:GatewayStack::taxlien
    docker:index/container:Container taxlien-redis < taxlien:index:GatewayStack$taxlien:index:Service::taxlien-redis
    taxlien:index:Service taxlien-redis < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-redis-healthy < taxlien:index:GatewayStack$taxlien:index:Service::taxlien-redis
    docker:index/remoteImage:RemoteImage taxlien-redis-image < taxlien:index:GatewayStack::taxlien
    command:local:Command taxlien-redis-tag < taxlien:index:GatewayStack::taxlien
    docker:index/volume:Volume taxlien-redis-volume < taxlien:index:GatewayStack$taxlien:index:DataVolume::taxlien-redis-volume
    taxlien:index:DataVolume taxlien-redis-volume < taxlien:index:GatewayStack::taxlien
    "
  `);
  expect(shortUrn(registrationOf(run, 'docker:index/container:Container', 'taxlien-db').urn)).toBe(
    'taxlien:index:Service$docker:index/container:Container::taxlien-db',
  );
});

test('outputs', async () => {
  const place = stackPlace();
  const { result } = await runStack({ ...place, variables: { BIND_IP: '::1', DB_PORT: '5433' } });
  const { urls, images, containers, network, volumes, commit } = result;
  const outputs = await settled({ urls, images, containers, network, volumes, commit });
  expect(JSON.parse(JSON.stringify(outputs).replaceAll(place.root, '<root>'))).toMatchInlineSnapshot(`
    {
      "commit": "0123456789ab",
      "containers": {
        "db": {
          "id": "id-of-taxlien-db",
          "name": "taxlien-gateway-dev-db",
        },
        "gateway": {
          "id": "id-of-taxlien-gateway",
          "name": "taxlien-gateway-dev-gateway",
        },
        "grafana": {
          "id": "id-of-taxlien-grafana",
          "name": "taxlien-gateway-dev-grafana",
        },
        "prometheus": {
          "id": "id-of-taxlien-prometheus",
          "name": "taxlien-gateway-dev-prometheus",
        },
        "redis": {
          "id": "id-of-taxlien-redis",
          "name": "taxlien-gateway-dev-redis",
        },
      },
      "images": {
        "db": {
          "id": "sha256 of postgres:16.15-alpine3.23",
          "tag": "taxlien-gateway-dev/db:dev",
        },
        "gateway": {
          "id": "sha256 of taxlien-gateway-dev/gateway:dev-build-1890997ba1b4",
          "tag": "taxlien-gateway-dev/gateway:dev-0123456789ab",
        },
        "grafana": {
          "id": "sha256 of grafana/grafana:12.4.12",
          "tag": "taxlien-gateway-dev/grafana:dev",
        },
        "prometheus": {
          "id": "sha256 of prom/prometheus:v3.13.5",
          "tag": "taxlien-gateway-dev/prometheus:dev",
        },
        "redis": {
          "id": "sha256 of redis:7.4.11-alpine3.21",
          "tag": "taxlien-gateway-dev/redis:dev",
        },
      },
      "network": "taxlien-gateway-dev_default",
      "urls": {
        "db": "postgresql://[::1]:5433",
        "gateway": "http://[::1]:8081",
        "grafana": "http://[::1]:3000",
        "prometheus": "http://[::1]:9090",
        "redis": "redis://[::1]:6379",
      },
      "volumes": {
        "grafana": {
          "hostPath": "<root>/dev/data/grafana",
          "name": "taxlien-gateway-dev_grafana",
        },
        "postgres": {
          "hostPath": "<root>/dev/data/postgres",
          "name": "taxlien-gateway-dev_postgres",
        },
        "prometheus": {
          "hostPath": "<root>/dev/data/prometheus",
          "name": "taxlien-gateway-dev_prometheus",
        },
        "raw": {
          "hostPath": "<root>/dev/data/raw",
          "name": "taxlien-gateway-dev_raw",
        },
        "redis": {
          "hostPath": "<root>/dev/data/redis",
          "name": "taxlien-gateway-dev_redis",
        },
      },
    }
  `);
});

test('two runs of one program register the same', async () => {
  const place = stackPlace();
  const [one, two] = [await runStack(place), await runStack(place)];
  expect(two.registrations).toEqual(one.registrations);
  expect(two.outputs).toEqual(one.outputs);
});

test('no secret, and no hash of one, is sent to the engine', async () => {
  const run = await runStack(stackPlace());
  const wire = [...run.registrations.map((entry) => entry.wire), ...run.outputs].join('\n');
  expect(wire).toContain('127.0.10.1');
  for (const secret of Object.values(testSecrets)) {
    const traces = [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)];
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
      traces.push(createHash(algorithm).update(secret).digest('hex'));
    }
    expect(traces.filter((trace) => wire.includes(trace))).toEqual([]);
  }
});

test('two environments share no name', async () => {
  const place = stackPlace();
  const [dev, stage] = [await runStack(place), await runStack({ ...place, env: 'stage' })];
  const namesOf = (run: ProgramRun<unknown>) =>
    run.registrations
      .filter(({ type }) => /Container|Network|Volume$/.test(type) && type.startsWith('docker:'))
      .map(({ inputs }) => inputs.name as string);
  expect(namesOf(dev)).toMatchInlineSnapshot(`
    [
      "taxlien-gateway-dev-db",
      "taxlien-gateway-dev-gateway",
      "taxlien-gateway-dev-grafana",
      "taxlien-gateway-dev_grafana",
      "taxlien-gateway-dev_default",
      "taxlien-gateway-dev_postgres",
      "taxlien-gateway-dev-prometheus",
      "taxlien-gateway-dev_prometheus",
      "taxlien-gateway-dev_raw",
      "taxlien-gateway-dev-redis",
      "taxlien-gateway-dev_redis",
    ]
  `);
  expect(namesOf(stage)).toEqual(namesOf(dev).map((name) => name.replace('-dev', '-stage')));
});

describe('tags', () => {
  const tagsOf = (run: ProgramRun<unknown>) =>
    run.registrations
      .filter(({ inputs }) => inputs.interpreter?.[1] === 'tag')
      .map(({ name, inputs }) => [name, ...inputs.interpreter, inputs.create].join(' '));

  test('of a clean checkout', async () => {
    const run = await runStack({ ...stackPlace(), env: 'prod' });
    expect(`\n${tagsOf(run).join('\n')}\n`.replaceAll(/build-[0-9a-f]{12}/g, 'build-<hash>')).toMatchInlineSnapshot(`
      "
      taxlien-db-tag docker tag sha256 of postgres:16.15-alpine3.23 taxlien-gateway-prod/db:prod
      taxlien-gateway-commit-tag docker tag sha256 of taxlien-gateway-prod/gateway:prod-build-<hash> taxlien-gateway-prod/gateway:prod-0123456789ab
      taxlien-gateway-tag docker tag sha256 of taxlien-gateway-prod/gateway:prod-build-<hash> taxlien-gateway-prod/gateway:prod
      taxlien-grafana-tag docker tag sha256 of grafana/grafana:12.4.12 taxlien-gateway-prod/grafana:prod
      taxlien-prometheus-tag docker tag sha256 of prom/prometheus:v3.13.5 taxlien-gateway-prod/prometheus:prod
      taxlien-redis-tag docker tag sha256 of redis:7.4.11-alpine3.21 taxlien-gateway-prod/redis:prod
      "
    `);
    expect(run.result.commit).toBe('0123456789ab');
  });

  test('of a dirty one: the hash of the context distinguishes its states', async () => {
    const place = stackPlace();
    const dirty = { commit: '0123456789ab', isDirty: true };
    const one = await runStack({ ...place, source: dirty });
    writeFiles(place.checkoutDir, { 'cmd/gateway/main.go': 'package main // other\n' });
    const two = await runStack({ ...place, source: dirty });
    for (const run of [one, two]) {
      expect(run.result.commit).toMatch(/^0123456789ab-dirty-[0-9a-f]{12}$/);
      const { inputs } = registrationOf(run, 'command:local:Command', 'taxlien-gateway-commit-tag');
      expect(inputs.create).toBe(`taxlien-gateway-dev/gateway:dev-${run.result.commit}`);
    }
    expect(one.result.commit).not.toBe(two.result.commit);
  });
});

const settled = <T>(value: T) =>
  new Promise<pulumi.Unwrap<T>>((resolve) => {
    pulumi.output(value).apply(resolve);
  });
