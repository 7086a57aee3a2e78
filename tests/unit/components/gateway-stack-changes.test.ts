import { describe, expect, test } from 'vitest';
import { cleanSource } from '../../helpers/instance.ts';
import { changesBetween, type ProgramRun, registrationOf } from '../../helpers/pulumi-mocks.ts';
import { runStack, stackPlace } from '../../helpers/stack-run.ts';
import { writeFiles } from '../../helpers/temporary.ts';

describe('what a change replaces', () => {
  test('a README, under another commit: the commit tag', async () => {
    const place = stackPlace();
    const before = await runStack(place);
    writeFiles(place.checkoutDir, { 'README.md': '# Other\n' });
    const after = await runStack({ ...place, source: { commit: 'ba9876543210', isDirty: false } });
    expect(changesBetween(before, after)).toEqual(['Command taxlien-gateway-commit-tag']);
  });

  test('a Go file: the image, its proof, its tags and the gateway', async () => {
    const place = stackPlace();
    const before = await runStack(place);
    writeFiles(place.checkoutDir, { 'internal/api/server.go': 'package api // other\n' });
    const after = await runStack({ ...place, source: { ...cleanSource, isDirty: true } });
    expect(changesBetween(before, after)).toEqual([
      'Command taxlien-gateway-commit-tag',
      'Command taxlien-gateway-migrate',
      'Command taxlien-gateway-selfcheck',
      'Command taxlien-gateway-tag',
      'Container taxlien-gateway',
      'RemoteImage taxlien-gateway-image',
    ]);
  });

  test.each([
    ['monitoring/prometheus/prometheus.yml', 'prometheus'],
    ['monitoring/grafana/dashboards/gateway.json', 'grafana'],
    ['monitoring/grafana/provisioning/datasources/prometheus.yml', 'grafana'],
  ])('%s: its copy and %s', async (file, service) => {
    const place = stackPlace();
    const before = await runStack(place);
    writeFiles(place.checkoutDir, { [file]: 'other: true\n' });
    const after = await runStack(place);
    expect(changesBetween(before, after)).toEqual(['Command taxlien-host-paths', `Container taxlien-${service}`]);
  });

  test('lost host paths: only they are created again', async () => {
    const place = stackPlace();
    const changes = changesBetween(await runStack(place), await runStack({ ...place, hostPathsId: 'paths-2' }));
    expect(changes).toEqual(['Command taxlien-host-paths']);
  });

  test.each(['gateway', 'db', 'redis', 'grafana'])('a secret of %s: the secret files and it', async (service) => {
    const place = stackPlace();
    const before = await runStack(place);
    const after = await runStack({ ...place, secretGenerations: { [service]: 'another' } });
    // Proven again: with new secrets the running image may fail, too.
    const proof = service === 'gateway' ? ['Command taxlien-gateway-selfcheck'] : [];
    const wanted = [...proof, 'Command taxlien-host-paths', `Container taxlien-${service}`];
    expect(changesBetween(before, after)).toEqual(wanted);
  });

  test.each<[string, string, readonly string[]]>([
    ['LOG_LEVEL', 'warn', ['Command taxlien-gateway-selfcheck', 'Container taxlien-gateway']],
    ['REDIS_PORT', '6380', ['Container taxlien-redis']],
    ['PROMETHEUS_RETENTION_DAYS', '3', ['Container taxlien-prometheus']],
    ['GO_PROXY', 'off', ['RemoteImage taxlien-gateway-image']],
  ])('%s=%s: %j', async (variable, value, wanted) => {
    const place = stackPlace();
    const before = await runStack(place);
    const after = await runStack({ ...place, variables: { [variable]: value } });
    expect(changesBetween(before, after)).toEqual(wanted);
  });
});

describe('order', () => {
  /** Names of the resources that must be there before this one, and gone after it. */
  const dependenciesOf = (run: ProgramRun<unknown>, type: string, name: string) =>
    registrationOf(run, type, name)
      .dependencies.map((urn) => urn.replace(/^.*:(.*)::/, '$1 '))
      .toSorted();

  test('the gateway is proven once directories, database and Redis are there, then migrated, then started and tagged', async () => {
    const run = await runStack(stackPlace());
    const command = 'command:local:Command';
    const of = (step: string) => dependenciesOf(run, command, `taxlien-gateway-${step}`);
    const needed = [
      'Command taxlien-db-healthy',
      'Command taxlien-host-paths',
      'Command taxlien-redis-healthy',
      'Container taxlien-db',
      'Container taxlien-redis',
    ];
    const proven = [...needed, 'Command taxlien-gateway-selfcheck'].toSorted();
    const migrated = [...proven, 'Command taxlien-gateway-migrate'].toSorted();
    const image = 'RemoteImage taxlien-gateway-image';
    expect(of('selfcheck')).toEqual([...needed, image]);
    expect(of('migrate')).toEqual([...proven, image]);
    expect([of('tag'), of('commit-tag')]).toEqual([
      [...migrated, image],
      [...migrated, image],
    ]);
  });

  test('a container starts after, and stops before, what it needs', async () => {
    const run = await runStack(stackPlace());
    const containers = ['gateway', 'db', 'redis', 'prometheus', 'grafana'].map((service) => [
      service,
      dependenciesOf(run, 'docker:index/container:Container', `taxlien-${service}`),
    ]);
    expect(Object.fromEntries(containers)).toMatchInlineSnapshot(`
      {
        "db": [
          "Command taxlien-host-paths",
          "Network taxlien-network",
          "RemoteImage taxlien-db-image",
          "Volume taxlien-postgres-volume",
        ],
        "gateway": [
          "Command taxlien-db-healthy",
          "Command taxlien-gateway-migrate",
          "Command taxlien-gateway-selfcheck",
          "Command taxlien-host-paths",
          "Command taxlien-redis-healthy",
          "Container taxlien-db",
          "Container taxlien-redis",
          "Network taxlien-network",
          "RemoteImage taxlien-gateway-image",
          "Volume taxlien-raw-volume",
        ],
        "grafana": [
          "Command taxlien-host-paths",
          "Network taxlien-network",
          "RemoteImage taxlien-grafana-image",
          "Volume taxlien-grafana-volume",
        ],
        "prometheus": [
          "Command taxlien-host-paths",
          "Network taxlien-network",
          "RemoteImage taxlien-prometheus-image",
          "Volume taxlien-prometheus-volume",
        ],
        "redis": [
          "Command taxlien-host-paths",
          "Network taxlien-network",
          "RemoteImage taxlien-redis-image",
          "Volume taxlien-redis-volume",
        ],
      }
    `);
  });

  test('data markers are written when all services are up', async () => {
    const run = await runStack(stackPlace());
    expect(dependenciesOf(run, 'command:local:Command', 'taxlien-data-markers')).toMatchInlineSnapshot(`
      [
        "Command taxlien-db-healthy",
        "Command taxlien-gateway-healthy",
        "Command taxlien-grafana-healthy",
        "Command taxlien-prometheus-healthy",
        "Command taxlien-redis-healthy",
        "Container taxlien-db",
        "Container taxlien-gateway",
        "Container taxlien-grafana",
        "Container taxlien-prometheus",
        "Container taxlien-redis",
      ]
    `);
  });
});
