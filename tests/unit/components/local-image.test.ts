import { expect, test } from 'vitest';
import { LocalImage } from '../../../components/local-image.ts';
import { testCheckout } from '../../helpers/checkout.ts';
import { testSettings } from '../../helpers/instance.ts';
import { registrationOf, runProgram } from '../../helpers/pulumi-mocks.ts';

test('an image is built from the checkout, named and triggered by its context', async () => {
  const settings = testSettings({ checkoutDir: testCheckout() });
  const buildArgs = { GOPROXY: 'file:///srv/proxy' };
  const run = await runProgram(
    () => new LocalImage('x-image', { settings, service: 'gateway', dockerfile: 'Dockerfile.gateway', buildArgs }),
  );
  const { contextHash } = run.result;
  expect(contextHash).toMatch(/^[0-9a-f]{64}$/);
  expect(registrationOf(run, 'docker:index/remoteImage:RemoteImage', 'x-image').inputs).toEqual({
    name: `taxlien-gateway-dev/gateway:dev-build-${contextHash.slice(0, 12)}`,
    build: {
      context: '.',
      dockerfile: 'Dockerfile.gateway',
      buildArgs,
    },
    triggers: { context: contextHash },
    keepLocally: true,
  });
});

test('an image without a context of its own is pulled by its pinned name and kept', async () => {
  const { runStack, stackPlace } = await import('../../helpers/stack-run.ts');
  const run = await runStack(stackPlace());
  const upstream = ['db', 'redis', 'prometheus', 'grafana'].map(
    (service) => registrationOf(run, 'docker:index/remoteImage:RemoteImage', `taxlien-${service}-image`).inputs,
  );
  expect(upstream).toEqual([
    { name: expect.stringMatching(/^postgres:16\.\d+-alpine/), keepLocally: true },
    { name: expect.stringMatching(/^redis:7\.\d+\.\d+-alpine/), keepLocally: true },
    { name: expect.stringMatching(/^prom\/prometheus:v\d+\.\d+\.\d+$/), keepLocally: true },
    { name: expect.stringMatching(/^grafana\/grafana:\d+\.\d+\.\d+$/), keepLocally: true },
  ]);
});
