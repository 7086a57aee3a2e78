import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { chooseEngine, findEngine, sandboxRoot, writeEngineKind } from '../../../../cli/stack/engine.ts';
import { DockerClient } from '../../../../docker/client.ts';
import type { UserError } from '../../../../host/errors.ts';
import { instanceOf } from '../../../../settings/instance.ts';
import type { Environment } from '../../../../settings/services.ts';
import { testInstance } from '../../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

let root: string;
const sandboxSocket = () => `unix://${join(root, 'state/taxlien-gateway/sandbox/default/docker.sock')}`;

beforeEach(() => {
  root = temporaryDir();
  vi.stubEnv('TAXLIEN_GATEWAY_ROOT', root);
  vi.stubEnv('XDG_STATE_HOME', join(root, 'state'));
  vi.stubEnv('DOCKER_HOST', `unix://${root}/no.sock`);
});

function ranOn(env: Environment, kind: 'daemon' | 'sandbox'): void {
  writeEngineKind(testInstance({ env, root }), kind);
}

const daemon = () => ({ kind: 'daemon', docker: new DockerClient(`unix://${root}/no.sock`), root });
const sandbox = () => ({ kind: 'sandbox', docker: new DockerClient(sandboxSocket()), root });

describe('the engine of an instance', () => {
  test('that never ran is the daemon of this host', async () => {
    expect(await findEngine('prod')).toEqual(daemon());
  });

  test.each(['daemon', 'sandbox'] as const)('that ran on the %s is that', async (kind) => {
    ranOn('stage', kind);
    expect(await findEngine('stage')).toEqual(kind === 'daemon' ? daemon() : sandbox());
    expect(await findEngine('prod')).toEqual(daemon());
  });

  test('is the sandbox if DOCKER_HOST is its socket', async () => {
    vi.stubEnv('DOCKER_HOST', sandboxSocket());
    expect(await findEngine('prod')).toEqual(sandbox());
  });
});

test('the sandbox uses the instance that init created, unless it has one of its own', () => {
  const [own, standard] = [join(root, 'own'), join(root, 'standard')];
  expect(sandboxRoot('stage', own, standard)).toBe(own);
  writeFiles(standard, { 'stage/.env': 'BIND_IP=127.0.10.2\n' });
  expect(sandboxRoot('stage', own, standard)).toBe(standard);
  writeFiles(own, { 'stage/.env': 'BIND_IP=127.0.10.2\n' });
  expect(sandboxRoot('stage', own, standard)).toBe(own);
});

describe('the choice for a deploy', () => {
  const refusal = (env: Environment, isSandboxAsked: boolean) =>
    chooseEngine(env, isSandboxAsked).then(
      () => 'chosen',
      ({ code, message, fix }: UserError) => `${code} ${message}. ${fix}`.replaceAll(root, '<root>'),
    );

  test('a stopped daemon is an error for an instance that never ran, and never an empty sandbox for one that did', async () => {
    expect(await refusal('stage', false)).toMatchInlineSnapshot(
      `"E_DAEMON docker: no daemon answers (got unix://<root>/no.sock). Start Docker and give this user access; or, on Linux as root, use the sandbox: ./gatewayctl up stage --sandbox."`,
    );
    ranOn('dev', 'daemon');
    expect(await chooseEngine('dev', false)).toEqual(daemon());
  });

  test('a sandbox is chosen on request, and for an instance that ran in it before', async () => {
    expect(await chooseEngine('prod', true)).toEqual(sandbox());
    ranOn('stage', 'sandbox');
    expect(await chooseEngine('stage', false)).toEqual(sandbox());
  });

  test('an instance of the daemon does not move into the sandbox', async () => {
    ranOn('dev', 'daemon');
    expect(await refusal('dev', true)).toMatchInlineSnapshot(
      `"E_ENGINE <root>/dev: this instance runs on the host's own daemon (got --sandbox). Omit --sandbox; or set another root for the sandbox: TAXLIEN_GATEWAY_ROOT=<directory>."`,
    );
  });
});

test('what an instance runs on is remembered beside its settings', async () => {
  ranOn('dev', 'sandbox');
  writeEngineKind(instanceOf('dev', root), 'daemon');
  expect(await findEngine('dev')).toEqual(daemon());
});
