import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type HostStep, hostStepSchema } from '../../../components/steps/step.ts';
import { childEnvironment } from '../../../host/environment.ts';
import { run } from '../../../host/process.ts';
import { instanceOf } from '../../../settings/instance.ts';
import { dataVolumes } from '../../../settings/services.ts';
import { testInstance } from '../../helpers/instance.ts';
import { runStack, stackPlace } from '../../helpers/stack-run.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

const checkoutDir = join(import.meta.dirname, '..', '..', '..');

const hostStep = (root: string, ...args: string[]) =>
  run([process.execPath, '--disable-warning=ExperimentalWarning', 'components/host-step.ts', ...args], {
    cwd: checkoutDir,
    env: childEnvironment({ TAXLIEN_GATEWAY_ROOT: root, DOCKER_HOST: 'unix:///no.sock' }),
    allowedExitCodes: 'any',
  });

const dataMarkers = JSON.stringify({ step: 'data-markers', env: 'dev' } satisfies HostStep);

test('data-markers writes a marker of every data directory beside the data', async () => {
  const root = temporaryDir();
  const { defaultDataDir: dataDir, idFile } = testInstance({ root });
  writeFiles(dataDir, Object.fromEntries(dataVolumes.map((volume) => [`${volume}/file`, ''])));
  writeFiles(root, { 'dev/instance-id': 'id-1\n' });
  expect(await hostStep(root, dataMarkers)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(readFileSync(idFile, 'utf8')).toBe('id-1\n');
  expect(readdirSync(join(dataDir, '.owners'))).toEqual(dataVolumes.map((volume) => `${volume}.json`).toSorted());
  expect(JSON.parse(readFileSync(join(dataDir, '.owners', 'postgres.json'), 'utf8'))).toEqual({
    stack: 'dev',
    instanceId: 'id-1',
    path: join(dataDir, 'postgres'),
    mountPoint: expect.stringMatching(/^\//),
    imageMajor: '16',
  });
});

test('an error of the user is printed without a stack, a defect with one', async () => {
  const root = temporaryDir();
  testInstance({ root, text: 'BIND_IP=0.0.0.0\n' });
  const bad = await hostStep(root, dataMarkers);
  expect([bad.exitCode, bad.stdout]).toEqual([1, '']);
  expect(bad.stderr).toMatch(
    /^E_BIND_IP {2}dev\/\.env:1 BIND_IP: must be one address, not all of the host \(got 0\.0\.0\.0\)\. /,
  );
  expect(bad.stderr).not.toContain('    at ');
  testInstance({ root });
  const unknown = await hostStep(root, JSON.stringify({ step: 'no-such-step', env: 'dev' }));
  expect([unknown.exitCode, unknown.stdout]).toEqual([1, '']);
  expect(unknown.stderr).toMatch(/^ZodError: /);
  expect(unknown.stderr).toContain('    at ');
  expect(readdirSync(instanceOf('dev', root).dir)).toEqual(['.env']);
});

test('each step of the program is one argument, complete and without empty fields', async () => {
  const { registrations } = await runStack(stackPlace());
  const steps = registrations
    .filter(({ inputs }) => inputs.interpreter?.[1] === 'components/host-step.ts')
    .map(({ name, inputs }) => {
      expect(inputs.interpreter).toEqual(['node', 'components/host-step.ts']);
      return [name, hostStepSchema.parse(JSON.parse(inputs.create))];
    });
  expect(Object.fromEntries(steps)).toMatchInlineSnapshot(`
    {
      "taxlien-data-markers": {
        "env": "dev",
        "step": "data-markers",
      },
      "taxlien-db-healthy": {
        "containerId": "id-of-taxlien-db",
        "env": "dev",
        "limitSeconds": 180,
        "service": "db",
        "step": "healthy",
      },
      "taxlien-gateway-healthy": {
        "containerId": "id-of-taxlien-gateway",
        "env": "dev",
        "limitSeconds": 90,
        "service": "gateway",
        "step": "healthy",
      },
      "taxlien-gateway-migrate": {
        "env": "dev",
        "imageId": "sha256 of taxlien-gateway-dev/gateway:dev-build-1890997ba1b4",
        "step": "migrate",
      },
      "taxlien-gateway-selfcheck": {
        "env": "dev",
        "imageId": "sha256 of taxlien-gateway-dev/gateway:dev-build-1890997ba1b4",
        "step": "selfcheck",
      },
      "taxlien-grafana-healthy": {
        "containerId": "id-of-taxlien-grafana",
        "env": "dev",
        "limitSeconds": 180,
        "service": "grafana",
        "step": "healthy",
      },
      "taxlien-host-paths": {
        "configSources": [
          "monitoring/prometheus",
          "monitoring/grafana/provisioning",
          "monitoring/grafana/dashboards",
        ],
        "env": "dev",
        "hostPathsId": "paths-1",
        "imageId": "sha256 of postgres:16.15-alpine3.23",
        "secretGenerations": {
          "db": "db-1",
          "gateway": "gw-1",
          "grafana": "gf-1",
          "redis": "redis-1",
        },
        "step": "host-paths",
      },
      "taxlien-prometheus-healthy": {
        "containerId": "id-of-taxlien-prometheus",
        "env": "dev",
        "limitSeconds": 120,
        "service": "prometheus",
        "step": "healthy",
      },
      "taxlien-redis-healthy": {
        "containerId": "id-of-taxlien-redis",
        "env": "dev",
        "limitSeconds": 90,
        "service": "redis",
        "step": "healthy",
      },
    }
  `);
});

test.each([
  ['a service that is not there', { step: 'healthy', env: 'dev', service: 'web', containerId: 'a', limitSeconds: 90 }],
  ['an empty id', { step: 'selfcheck', env: 'dev', imageId: '' }],
  ['a missing value', { step: 'migrate', env: 'dev' }],
  ['a value too many', { step: 'data-markers', env: 'dev', imageId: 'a' }],
  [
    'a service without a generation',
    {
      step: 'host-paths',
      env: 'dev',
      imageId: 'a',
      hostPathsId: 'b',
      secretGenerations: { gateway: 'c', db: 'd', redis: 'e' },
      configSources: [],
    },
  ],
])('%s is no step', (_, step) => {
  expect(hostStepSchema.safeParse(step).success).toBe(false);
});
