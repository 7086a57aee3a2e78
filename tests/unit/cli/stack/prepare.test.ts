import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { prepareAnyStackOn, prepareStackOn } from '../../../../cli/stack/prepare.ts';
import { checkpointFile } from '../../../../cli/stack/state-files.ts';
import { DockerClient } from '../../../../docker/client.ts';
import { type Instance, instanceOf } from '../../../../settings/instance.ts';
import { testInstance } from '../../../helpers/instance.ts';
import { stubToolchain } from '../../../helpers/stub-toolchain.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

const progress = { step: () => {}, tick: () => {}, done: () => {} };
const salt = 'v1:b2xk:v1:c2FsdA==:dGV4dA==';
/** As Pulumi does: the stack file next to Pulumi.yaml, with its own salt unless there is one, then the state. */
const initScript = (log: string, state: string) =>
  `cat Pulumi.yaml >/dev/null || exit 9
echo "$PWD: $*" >>'${log}'
[ -f Pulumi.dev.yaml ] || echo 'encryptionsalt: made' >Pulumi.dev.yaml
[ -f '${log}.fails' ] && { echo 'error: no space left' >&2; exit 255; }
mkdir -p '${join(state, '..')}' && echo '{"checkpoint":{}}' >'${state}'`;

let root: string;
let log: string;
let instance: Instance;

beforeEach(() => {
  root = temporaryDir();
  log = join(root, 'pulumi.log');
  instance = instanceOf('dev', root);
  stubToolchain(initScript(log, checkpointFile(instance)));
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

const engine = () => ({ kind: 'daemon', docker: new DockerClient(`unix://${root}/no.sock`), root }) as const;
const prepare = () => prepareStackOn(engine(), 'dev', progress);
const pulumiCalls = () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : []);
const init = () => `${instance.stateDir}/init.${process.pid}.new: stack init dev --no-select --non-interactive`;

function writeState(latest: unknown): void {
  writeFiles('/', { [checkpointFile(instance)]: JSON.stringify({ version: 3, checkpoint: { latest } }) });
}

describe('the stack of an instance', () => {
  test('is created in a scratch directory once, with its settings and its engine', async () => {
    testInstance({ root });
    const stack = await prepare();
    expect([stack.instance, stack.settings.env, stack.exports.PULUMI_BACKEND_URL]).toEqual([
      instance,
      'dev',
      `file://${instance.stateDir}`,
    ]);
    expect(readFileSync(instance.stackFile, 'utf8')).toBe('encryptionsalt: made\n');
    expect(statSync(instance.stackFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(instance.engineFile, 'utf8')).toBe('daemon\n');
    await prepare();
    expect(pulumiCalls()).toEqual([init()]);
    expect(readdirSync(instance.stateDir)).toEqual(['.pulumi']);
  });

  test('that Pulumi cannot create leaves nothing, and is created by the next run', async () => {
    testInstance({ root });
    writeFileSync(`${log}.fails`, '');
    await expect(prepare()).rejects.toMatchObject({
      code: 'E_PROCESS',
      message: expect.stringMatching(/^pulumi stack init .*: exit 255\nerror: no space left$/),
    });
    expect([existsSync(instance.stackFile), existsSync(instance.engineFile)]).toEqual([false, false]);
    expect(readdirSync(instance.stateDir)).toEqual([]);
    rmSync(`${log}.fails`);
    await prepare();
    expect(readFileSync(instance.stackFile, 'utf8')).toBe('encryptionsalt: made\n');
    expect(pulumiCalls()).toEqual([init(), init()]);
  });

  test('keeps the salt of its stack file if its state was removed', async () => {
    testInstance({ root });
    writeFileSync(instance.stackFile, `encryptionsalt: ${salt}\n`);
    await prepare();
    expect(readFileSync(instance.stackFile, 'utf8')).toBe(`encryptionsalt: ${salt}\n`);
    expect(pulumiCalls()).toEqual([init()]);
  });
});

describe('a stack file that was lost', () => {
  test('is restored from the salt in the state, without Pulumi', async () => {
    testInstance({ root });
    writeState({ secrets_providers: { type: 'passphrase', state: { salt } } });
    await prepare();
    expect(readFileSync(instance.stackFile, 'utf8')).toBe(`encryptionsalt: ${salt}\n`);
    expect(statSync(instance.stackFile).mode & 0o777).toBe(0o600);
    expect(pulumiCalls()).toEqual([]);
  });

  test.each([undefined, { secrets_providers: { type: 'passphrase' } }])(
    'and a state without a salt: %j',
    async (latest) => {
      testInstance({ root });
      writeState(latest);
      await expect(prepare()).rejects.toMatchObject({
        text: `E_NO_SALT  ${checkpointFile(instance)}: contains no salt\nRestore the instance's Pulumi.<env>.yaml from a backup.`,
      });
      expect([existsSync(instance.stackFile), pulumiCalls()]).toEqual([false, []]);
    },
  );
});

test('an empty passphrase is never used for a new stack', async () => {
  testInstance({ root });
  mkdirSync(instance.secretsDir);
  writeFileSync(instance.passphraseFile, ' \n');
  await expect(prepare()).rejects.toMatchObject({
    code: 'E_PASSPHRASE',
    message: `${instance.passphraseFile}: must not be empty: it encrypts the secrets in the state`,
  });
  expect([readFileSync(instance.passphraseFile, 'utf8'), pulumiCalls()]).toEqual([' \n', []]);
});

describe('settings that are invalid', () => {
  beforeEach(() => void testInstance({ root, text: 'BIND_IP=nowhere\n' }));

  test('stop a deploy before anything is created', async () => {
    await expect(prepare()).rejects.toMatchObject({ name: 'SettingsError' });
    expect([readdirSync(instance.dir), pulumiCalls()]).toEqual([['.env'], []]);
  });

  test('do not stop a verb that needs none', async () => {
    const stack = await prepareAnyStackOn(engine(), 'dev', progress);
    expect([stack.settings, stack.instance]).toEqual([undefined, instance]);
    expect(pulumiCalls()).toEqual([init()]);
  });
});

test('an .env that cannot be read is not taken for invalid settings', async () => {
  mkdirSync(join(instance.envFile, 'a directory'), { recursive: true });
  await expect(prepareAnyStackOn(engine(), 'dev', progress)).rejects.toMatchObject({ code: 'E_UNREADABLE' });
});

describe('an instance that is missing', () => {
  test('is created for dev, and used by the next run', async () => {
    const { settings } = await prepare();
    expect(settings.bindIp).toBe(process.platform === 'darwin' ? '127.0.0.1' : '127.0.10.1');
    const text = readFileSync(instance.envFile, 'utf8');
    expect(process.stderr.write).toHaveBeenCalledExactlyOnceWith(
      `created the instance ${instance.dir} on ${settings.bindIp}, with random secrets in its .env\n`,
    );
    await prepare();
    expect(readFileSync(instance.envFile, 'utf8')).toBe(text);
    expect(process.stderr.write).toHaveBeenCalledOnce();
  });

  test.each(['stage', 'prod'] as const)('is refused for %s', async (env) => {
    for (const prepareOn of [prepareStackOn, prepareAnyStackOn]) {
      await expect(prepareOn(engine(), env, progress)).rejects.toMatchObject({
        text: `E_NO_INSTANCE  ${root}/${env}/.env: there is no instance here\nRun ./gatewayctl init ${env} --bind-ip <address of this host>.`,
      });
    }
    expect(readdirSync(root)).toEqual([]);
  });
});
