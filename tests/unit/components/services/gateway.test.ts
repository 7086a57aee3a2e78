import { expect, test } from 'vitest';
import { gateway, gatewayBuild } from '../../../../components/services/gateway.ts';
import { gatewayStepArgs } from '../../../../components/steps/gateway-step.ts';
import { testSecrets, testSettings } from '../../../helpers/instance.ts';

test('a step runs the new image as the gateway would run, without a port', () => {
  const root = '/srv/gw';
  const settings = testSettings({ variables: { DATA_DIR: '/srv/data', GATEWAY_MEMORY_MIB: '300', LOG_LEVEL: 'warn' } });
  const command = gatewayStepArgs(
    { ...settings, instance: { ...settings.instance, secretsDir: `${root}/dev/secrets` } },
    'selfcheck',
    'sha256:abc',
  );
  expect(command).toEqual([
    'run',
    '--rm',
    ...['--name', 'taxlien-gateway-dev-gateway-selfcheck'],
    ...['--label', 'taxlien-gateway.environment=dev'],
    ...['--label', 'taxlien-gateway.step=selfcheck'],
    ...['--network', 'taxlien-gateway-dev_default'],
    '--read-only',
    '--no-healthcheck',
    ...['--security-opt', 'no-new-privileges'],
    ...['--cap-drop', 'ALL'],
    ...['--user', '65532:65532'],
    ...['--memory', '300m'],
    ...['--memory-swap', '300m'],
    ...['--env', 'DEPLOY_ENV=dev'],
    ...['--env', 'DB_HOST=db'],
    ...['--env', 'DB_PORT=5432'],
    ...['--env', 'DB_NAME=gateway'],
    ...['--env', 'DB_USER=gateway'],
    ...['--env', 'DB_PASSWORD_FILE=/run/secrets/db_password'],
    ...['--env', 'REDIS_ADDR=redis:6379'],
    ...['--env', 'REDIS_PASSWORD_FILE=/run/secrets/redis_password'],
    ...['--env', 'WORKER_TOKEN_FILE=/run/secrets/worker_token'],
    ...['--env', 'RAW_DIR=/data/raw'],
    ...['--env', 'LOG_LEVEL=warn'],
    ...['--env', 'RATE_LIMIT_PER_MINUTE=600'],
    ...['--env', 'LEASE_SECONDS=60'],
    ...['--env', 'METRICS_PUBLIC=false'],
    ...['--mount', 'type=bind,source=/srv/gw/dev/secrets/gateway,target=/run/secrets,readonly'],
    ...['--mount', 'type=bind,source=/srv/data/raw,target=/data/raw'],
    'sha256:abc',
    'selfcheck',
  ]);
  for (const secret of Object.values(testSecrets)) expect(command.join(' ')).not.toContain(secret);
});

test('a step has the environment of the container', () => {
  const settings = testSettings();
  const command = gatewayStepArgs(settings, 'migrate', 'sha256:abc');
  const given = command.filter((_, index) => command[index - 1] === '--env');
  expect(given).toEqual(Object.entries(gateway(settings).environment ?? {}).map(([key, value]) => `${key}=${value}`));
});

test('the build labels its image with the project, and uses the proxy for modules that the settings name', () => {
  expect(gatewayBuild(testSettings()).buildArgs).toEqual({ PROJECT: 'taxlien-gateway-dev' });
  expect(gatewayBuild(testSettings({ variables: { GO_PROXY: 'https://proxy.example' } })).buildArgs).toEqual({
    GOPROXY: 'https://proxy.example',
    PROJECT: 'taxlien-gateway-dev',
  });
});
