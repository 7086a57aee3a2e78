import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { probeGateway, type ReadyOptions, waitUntilReady } from '../../../../cli/deploy/ready.ts';
import { containerName } from '../../../../docker/names.ts';
import type { Settings } from '../../../../settings/load.ts';
import { services as allServices, type ServiceName } from '../../../../settings/services.ts';
import { FakeDocker } from '../../../helpers/fake-docker.ts';
import { inspectedText } from '../../../helpers/inspected.ts';
import { testSettings } from '../../../helpers/instance.ts';
import { refusal } from '../../../helpers/refusal.ts';

type Looks = readonly Partial<Record<ServiceName, string>>[];

/** A daemon whose containers have these healths at each look; the last one repeats. */
function dockerSeeing(settings: Settings, looks: Looks): FakeDocker {
  let look = 0;
  return new FakeDocker(([kind, verb, , name]) => {
    if (kind === 'container') {
      const health = looks[Math.min(look, looks.length - 1)] ?? {};
      look += 1;
      return { stdout: inspectedText(settings.project, health) };
    }
    if (kind === 'image' && verb === 'inspect') return { stdout: '[]' };
    return kind === 'logs' ? { stdout: `out of ${name}\n`, stderr: 'its error\n' } : undefined;
  });
}

/** Waits for services whose containers have these healths. */
function ready(looks: Looks, options: Partial<ReadyOptions> = {}) {
  const settings = options.settings ?? testSettings();
  const docker = dockerSeeing(settings, looks);
  const ticks: string[] = [];
  const progress = { step: () => {}, done: () => {}, tick: (text: string) => void ticks.push(text) };
  const services = allServices.filter((service) => looks[0] !== undefined && service in looks[0]);
  return { docker, ticks, result: waitUntilReady({ docker, settings, services, ...options }, progress) };
}

/** Settings of a gateway that answers so; without an answer, nothing listens there. */
async function gatewayAnswering(answer?: RequestListener): Promise<Settings> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise((resolve) => void server.close(resolve));
  if (answer === undefined) await close();
  else onTestFinished(async () => void (await close()));
  return testSettings({ variables: { BIND_IP: '127.0.0.1', GATEWAY_PORT: `${port}` } });
}

const withoutPort = (text: string) => text.replaceAll(/(127\.0\.0\.1):\d+/g, '$1:<port>');

test('a service that starts is waited for, and others are not asked for', async () => {
  const { result, ticks } = ready([
    { db: 'starting', redis: 'starting' },
    { db: 'healthy', redis: 'starting' },
    { db: 'healthy', redis: 'healthy' },
  ]);
  expect((await result).map(({ service, health }) => `${service} ${health}`)).toEqual(['db healthy', 'redis healthy']);
  expect(ticks).toEqual(['waiting for db, redis', 'waiting for redis']);
});

test('an unhealthy or missing service ends the wait at once, with its last lines', async () => {
  const { result, docker, ticks } = ready([{ db: 'unhealthy', redis: 'starting' }], {
    services: ['db', 'redis', 'grafana'],
  });
  expect(await refusal(result)).toBe(
    [
      'E_UNHEALTHY db: not healthy after 0 s (got unhealthy); its last lines:',
      'out of taxlien-gateway-dev-db',
      'its error',
      'redis: not healthy after 0 s (got starting); its last lines:',
      'out of taxlien-gateway-dev-redis',
      'its error',
      'grafana: not healthy after 0 s (got missing). Fix the cause, then run ./gatewayctl up dev.',
    ].join('\n'),
  );
  expect(ticks).toEqual([]);
  expect(docker.calls.filter((call) => call.startsWith('logs'))).toEqual([
    'logs --tail 20 taxlien-gateway-dev-db',
    'logs --tail 20 taxlien-gateway-dev-redis',
  ]);
});

test('a service that only starts is unhealthy after the time-out', async () => {
  const { result, ticks } = ready([{ redis: 'starting' }], { timeoutMs: 150 });
  expect(await refusal(result)).toContain('redis: not healthy after 0 s (got starting)');
  expect(ticks).not.toEqual([]);
});

test('a daemon that stops answering is named', async () => {
  const settings = testSettings();
  const docker = new FakeDocker(() => ({ exitCode: 1, stderr: 'Cannot connect to the Docker daemon\n' }));
  const progress = { step: () => {}, done: () => {}, tick: () => {} };
  expect(await refusal(waitUntilReady({ docker, settings }, progress))).toBe(
    'E_DAEMON docker: no answer from unix:///fake.sock (got Cannot connect to the Docker daemon). Start the daemon.',
  );
});

test('the gateway is asked only if it is one of the services', async () => {
  const settings = await gatewayAnswering();
  expect(await ready([{ db: 'healthy' }], { settings }).result).toMatchObject([
    { container: containerName(settings, 'db') },
  ]);
  expect(await refusal(ready([{ gateway: 'healthy' }], { settings }).result)).toMatch(/^E_UNREACHABLE /);
});

test('a gateway that does not listen, and one that hangs up', async () => {
  const shown = async (settings: Settings) => withoutPort(await refusal(probeGateway(settings)));
  expect(await shown(await gatewayAnswering())).toBe(
    'E_UNREACHABLE http://127.0.0.1:<port>/readyz: does not answer (got connect ECONNREFUSED 127.0.0.1:<port>). Run ./gatewayctl doctor dev.',
  );
  expect(await shown(await gatewayAnswering((request) => request.destroy()))).toBe(
    'E_UNREACHABLE http://127.0.0.1:<port>/readyz: does not answer (got other side closed). Run ./gatewayctl doctor dev.',
  );
});

test.each([
  ['the start of a long answer', 'x'.repeat(600), `HTTP 503 (got ${'x'.repeat(500)})`],
  ['an empty answer', '', 'HTTP 503 (got )'],
])('a gateway that is not ready: %s', async (_, body, got) => {
  const asked: unknown[] = [];
  const settings = await gatewayAnswering(({ url }, response) => {
    asked.push(url);
    response.writeHead(503).end(body);
  });
  expect(withoutPort(await refusal(probeGateway(settings)))).toBe(
    `E_NOT_READY http://127.0.0.1:<port>/readyz: ${got}. Run ./gatewayctl status dev.`,
  );
  expect(asked).toEqual(['/readyz']);
});

test('a gateway that hangs up in the middle of its answer is not ready', async () => {
  const settings = await gatewayAnswering((_, response) => {
    response.writeHead(503, { 'content-length': '100' }).write('half', () => response.destroy());
  });
  expect(withoutPort(await refusal(probeGateway(settings)))).toBe(
    'E_NOT_READY http://127.0.0.1:<port>/readyz: HTTP 503 (got terminated). Run ./gatewayctl status dev.',
  );
});

test('a gateway that is ready', async () => {
  const settings = await gatewayAnswering((_, response) => void response.end('ok'));
  await expect(probeGateway(settings)).resolves.toBeUndefined();
});
