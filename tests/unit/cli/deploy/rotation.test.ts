import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { changeSecret } from '../../../../cli/deploy/rotation.ts';
import type { StackWithSettings } from '../../../../cli/stack/stack.ts';
import { DockerClient } from '../../../../docker/client.ts';
import type { Rotation } from '../../../../instance/rotation-journal.ts';
import { inspectedText } from '../../../helpers/inspected.ts';
import { testSecrets, testSettings, type Variables } from '../../../helpers/instance.ts';
import { refusal } from '../../../helpers/refusal.ts';
import { stubProgram } from '../../../helpers/stub-program.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

const after = 'the-new-secret-4d81f0';
const project = 'taxlien-gateway-dev';
const rotationOf = (variable: Rotation['variable']): Rotation => ({ variable, before: testSecrets[variable], after });

let root: string;
let printed: string;

/** A stack whose `docker` and `pulumi` are scripts; `<root>/containers` is what the daemon has. */
function stackWith(scripts: { exec?: string; pulumi?: string }, variables: Variables = {}): StackWithSettings {
  const settings = testSettings({ root, variables });
  const { exec = 'exit 9', pulumi = 'echo called >>"<root>/pulumi"; exit 9' } = scripts;
  const docker = `case "$3" in
    container) cat "<root>/containers" ;;
    image) echo '[]' ;;
    exec) IFS= read -r password; echo "$password" >>"<root>/passwords"; cat >"<root>/sql"; ${exec} ;;
    *) exit 9 ;;
  esac`;
  stubProgram('docker', docker.replaceAll('<root>', root));
  stubProgram('pulumi', pulumi.replaceAll('<root>', root));
  const engine = { kind: 'daemon', docker: new DockerClient('unix:///d.sock'), root } as const;
  return { instance: settings.instance, engine, checkoutDir: root, exports: {}, settings };
}

const has = (health: Parameters<typeof inspectedText>[1]) =>
  writeFiles(root, { containers: inspectedText(project, health) });
const lines = (name: string) => readFileSync(join(root, name), 'utf8').trimEnd().split('\n');
const isChanged = (variable: string) => lines('dev/.env').includes(`${variable}=${after}`);

beforeEach(() => {
  root = temporaryDir();
  printed = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
  has({});
});

test('a secret that no service stores changes in the .env only', async () => {
  const stack = stackWith({});
  await changeSecret(stack, rotationOf('WORKER_TOKEN'));
  expect(isChanged('WORKER_TOKEN')).toBe(true);
  expect(printed).toBe(`WORKER_TOKEN: has a new value in ${stack.instance.envFile}\n`);
  expect([existsSync(join(root, 'passwords')), existsSync(join(root, 'pulumi'))]).toEqual([false, false]);
});

test('a rotation that was killed after it changed the .env has nothing left to do, even if the service is missing', async () => {
  await changeSecret(stackWith({}, { POSTGRES_PASSWORD: after }), rotationOf('POSTGRES_PASSWORD'));
  expect([printed, existsSync(join(root, 'pulumi'))]).toEqual(['', false]);
});

describe('the password of the database', () => {
  const rotation = rotationOf('POSTGRES_PASSWORD');
  const accepts = (password: string) =>
    `[ "$password" = '${password}' ] || { echo refused "$password" | cut -c1-12 >&2; exit 2; }`;

  test.each(['healthy', 'starting', 'unhealthy'])(
    'changes in a %s database first, without the password itself',
    async (health) => {
      has({ db: health });
      await changeSecret(stackWith({ exec: accepts(rotation.before) }), rotation);
      expect(lines('passwords')).toEqual([rotation.before]);
      const [quiet, change] = lines('sql');
      expect(quiet).toBe("set log_statement = 'none';");
      expect(change).toMatch(/^alter role "gateway" password 'SCRAM-SHA-256\$4096:[^']+';$/);
      expect(isChanged('POSTGRES_PASSWORD')).toBe(true);
      expect(existsSync(join(root, 'pulumi'))).toBe(false);
    },
  );

  test('that a killed rotation changed already is set again with the new one', async () => {
    has({ db: 'healthy' });
    await changeSecret(stackWith({ exec: accepts(after) }), rotation);
    expect(lines('passwords')).toEqual([rotation.before, after]);
    expect(isChanged('POSTGRES_PASSWORD')).toBe(true);
  });

  test('that is neither the old nor the new one leaves the .env as it is, and the first refusal is named', async () => {
    has({ db: 'healthy' });
    expect(await refusal(changeSecret(stackWith({ exec: accepts('another one') }), rotation))).toBe(
      `E_ROTATE ${project}-db: did not accept the new password; nothing was changed (got refused post). Run ./gatewayctl verify dev, then rotate again.`,
    );
    expect(isChanged('POSTGRES_PASSWORD')).toBe(false);
  });

  test('a stopped database is started by a deploy that may fail for the gateway', async () => {
    const started = inspectedText(project, { db: 'starting' });
    const pulumi = `echo "$* $TAXLIEN_GATEWAY_ROTATION_CONTINUES" >>"<root>/pulumi"; echo '${started}' >"<root>/containers"; exit 255`;
    await changeSecret(stackWith({ pulumi, exec: accepts(rotation.before) }), rotation);
    expect(lines('pulumi')).toEqual(['up --yes --skip-preview --suppress-outputs --color never true']);
    expect(printed).toContain(`${project}-db: is not running; starting it first.`);
    expect(isChanged('POSTGRES_PASSWORD')).toBe(true);
  });

  test.each([
    ['missing', '[]'],
    [
      'exited',
      JSON.stringify([{ Name: `/${project}-db`, State: { Status: 'exited' }, NetworkSettings: { Ports: {} } }]),
    ],
  ])('a database that stays %s is an error, and nothing is changed', async (health, containers) => {
    writeFiles(root, { containers });
    expect(await refusal(changeSecret(stackWith({ pulumi: 'exit 255' }), rotation))).toBe(
      `E_ROTATE ${project}-db: is not running and could not be started (got exit 255 of pulumi, ${health}). Fix the errors above, then run ./gatewayctl up dev: it continues the rotation.`,
    );
    expect([isChanged('POSTGRES_PASSWORD'), existsSync(join(root, 'passwords'))]).toEqual([false, false]);
  });
});

describe("the administrator's password of Grafana", () => {
  const rotation = rotationOf('GRAFANA_ADMIN_PASSWORD');

  /** Rotates it in a Grafana whose password this is, and returns what Grafana was asked. */
  async function rotate(password: string, isListening = true): Promise<{ outcome: string; asked: unknown[] }> {
    const asked: unknown[] = [];
    const server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      asked.push([request.method, request.url, JSON.parse(body).oldPassword, JSON.parse(body).newPassword]);
      const login = Buffer.from(`admin:${password}`).toString('base64');
      response.writeHead(request.headers.authorization === `Basic ${login}` ? 200 : 401).end();
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const close = () => new Promise<void>((resolve) => void server.close(() => resolve()));
    if (isListening) onTestFinished(close);
    else await close();
    has({ grafana: 'healthy' });
    const stack = stackWith({}, { BIND_IP: '127.0.0.1', GRAFANA_PORT: `${port}` });
    const outcome = await changeSecret(stack, rotation).then(
      () => 'changed',
      (error) =>
        `${error.code} ${error.message}. ${error.fix}`
          .replace(`:${port}/`, ':<port>/')
          .replaceAll(`:${port}`, ':<port>'),
    );
    return { outcome, asked };
  }

  const request = (old: string) => ['PUT', '/api/user/password', old, after];
  const refused = (got: string) =>
    `E_ROTATE http://127.0.0.1:<port>/api/user/password: did not accept the new password; nothing was changed (got ${got}). Run ./gatewayctl verify dev, then rotate again.`;

  test('changes with one request', async () => {
    expect(await rotate(rotation.before)).toEqual({ outcome: 'changed', asked: [request(rotation.before)] });
    expect(isChanged('GRAFANA_ADMIN_PASSWORD')).toBe(true);
  });

  test('that a killed rotation changed already is accepted', async () => {
    expect(await rotate(after)).toEqual({ outcome: 'changed', asked: [request(rotation.before), request(after)] });
    expect(isChanged('GRAFANA_ADMIN_PASSWORD')).toBe(true);
  });

  test('that is another one leaves the .env as it is', async () => {
    expect((await rotate('another one')).outcome).toBe(refused('HTTP 401'));
    expect(isChanged('GRAFANA_ADMIN_PASSWORD')).toBe(false);
  });

  test('of a Grafana that does not answer leaves the .env as it is', async () => {
    expect((await rotate(rotation.before, false)).outcome).toBe(refused('connect ECONNREFUSED 127.0.0.1:<port>'));
    expect(isChanged('GRAFANA_ADMIN_PASSWORD')).toBe(false);
  });
});
