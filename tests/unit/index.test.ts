import * as pulumi from '@pulumi/pulumi';
import { beforeEach, expect, test, vi } from 'vitest';
import { envText, testInstance } from '../helpers/instance.ts';
import { temporaryDir } from '../helpers/temporary.ts';

/** The error of the program of plain `pulumi up`. */
async function failureOf(root: string): Promise<Error> {
  vi.stubEnv('TAXLIEN_GATEWAY_ROOT', root);
  vi.stubEnv('DOCKER_HOST', `unix://${root}/no.sock`);
  vi.resetModules();
  return import('../../index.ts').then(
    () => Promise.reject(new Error('the program did not fail')),
    (error: Error) => error,
  );
}

beforeEach(async () => {
  const noResource = () => Promise.reject(new Error('nothing may be declared'));
  await pulumi.runtime.setMocks({ newResource: noResource, call: noResource }, 'taxlien-gateway', 'dev');
});

test('a bad setting: the message begins with its code, and Pulumi shows no stack of it', async () => {
  const root = temporaryDir();
  testInstance({ root, text: envText({ BIND_IP: '0.0.0.0', DB_PORT: '0' }) });
  const error = await failureOf(root);
  expect(pulumi.RunError.isInstance(error)).toBe(true);
  expect(error.message.replaceAll(root, '<root>')).toMatchInlineSnapshot(`
    "E_BIND_IP  dev/.env:1 BIND_IP: must be one address, not all of the host (got 0.0.0.0). Set it in <root>/dev/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
    E_PORT  dev/.env:6 DB_PORT: must be a whole number from 1 to 65535 (got 0). Set it in <root>/dev/.env, e.g. DB_PORT=5432."
  `);
});

test('failed checks: one code first, and each finding with its own', async () => {
  const root = temporaryDir();
  testInstance({ root, text: envText({ BIND_IP: '192.0.2.1' }) });
  const lines = (await failureOf(root)).message.split('\n');
  expect(lines[0]).toBe('E_PREFLIGHT  nothing was changed:');
  expect(lines.slice(1).filter((line) => !line.startsWith('  '))).toEqual([
    expect.stringMatching(/^E_DAEMON {2}docker: no daemon /),
    expect.stringMatching(/^E_BIND_IP {2}\S+\/dev\/\.env BIND_IP: cannot be bound /),
  ]);
});
