import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type ChangeOptions, changeAnyStack, changeStack } from '../../../../cli/stack/change.ts';
import { writeEngineKind } from '../../../../cli/stack/engine.ts';
import { checkpointFile, pulumiLocksDir } from '../../../../cli/stack/state-files.ts';
import { withInstanceLock } from '../../../../instance/lock.ts';
import { type Instance, instanceOf } from '../../../../settings/instance.ts';
import { envText, testInstance } from '../../../helpers/instance.ts';
import { stubProgram } from '../../../helpers/stub-program.ts';
import { stubToolchain } from '../../../helpers/stub-toolchain.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

const progress = { step: () => {}, tick: () => {}, done: () => {} };
const options: ChangeOptions = { what: 'up dev', isWaiting: false, isSandboxAsked: false, progress };
const stateOf = (stack: string) =>
  JSON.stringify({ checkpoint: { stack, latest: { secrets_providers: { state: { salt: 'salt' } } } } });

let root: string;
let instance: Instance;

beforeEach(() => {
  root = temporaryDir();
  vi.stubEnv('TAXLIEN_GATEWAY_ROOT', root);
  vi.stubEnv('XDG_STATE_HOME', join(root, 'state'));
  vi.stubEnv('DOCKER_HOST', `unix://${root}/no.sock`);
  stubToolchain('exit 1');
  stubProgram('docker', '');
  instance = instanceOf('dev', root);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

/** A deployed instance, on an address of its own: a docker-proxy of another one must stay. */
function deployed(text = envText({ BIND_IP: '127.81.7.5' })): void {
  testInstance({ root, text });
  writeEngineKind(instance, 'daemon');
  writeFiles('/', { [checkpointFile(instance)]: stateOf('now') });
}

const notes = () => vi.mocked(process.stderr.write).mock.calls.map(([text]) => text);
const backups = () => (existsSync(instance.stateBackupsDir) ? readdirSync(instance.stateBackupsDir) : []);

describe('a change', () => {
  test('works under the lock on a state that was backed up, without the drafts of a killed run', async () => {
    deployed();
    // No process has this pid.
    writeFiles(instance.dir, { 'state/init.4194999.new/Pulumi.yaml': '', '.env.4194999.new': '' });
    const result = await changeStack('dev', options, async (stack) => {
      expect(existsSync(instance.lockFile)).toBe(true);
      expect(stack.settings.bindIp).toBe('127.81.7.5');
      expect(backups().map((name) => readFileSync(join(instance.stateBackupsDir, name), 'utf8'))).toEqual([
        stateOf('now'),
      ]);
      expect(readdirSync(instance.stateDir)).toEqual(['.pulumi']);
      expect(readdirSync(instance.dir)).not.toContain('.env.4194999.new');
      return 'done';
    });
    expect(result).toBe('done');
    expect([existsSync(instance.lockFile), notes()]).toEqual([false, []]);
  });

  test('that fails releases the lock', async () => {
    deployed();
    const failure = new Error('deploy failed');
    await expect(changeStack('dev', options, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(existsSync(instance.lockFile)).toBe(false);
  });

  test('is refused while another one works, which keeps its lock', async () => {
    deployed();
    await withInstanceLock(instance, { ...options, what: 'restore dev' }, async () => {
      const held = readFileSync(instance.lockFile, 'utf8');
      await expect(changeStack('dev', options, async () => 'done')).rejects.toMatchObject({
        code: 'E_LOCKED',
        message: expect.stringMatching(`held by process ${process.pid} since .* \\(restore dev by `),
      });
      expect(readFileSync(instance.lockFile, 'utf8')).toBe(held);
    });
    expect(backups()).toEqual([]);
  });

  test('restores a truncated state, and says so and what else it repaired', async () => {
    deployed();
    writeFileSync(checkpointFile(instance), stateOf('now').slice(0, -9));
    writeFiles(instance.stateBackupsDir, { 'a.json': stateOf('before') });
    writeFiles(pulumiLocksDir(instance), { 'a.json': '{' });
    await changeStack('dev', options, async () => {
      expect(readFileSync(checkpointFile(instance), 'utf8')).toBe(stateOf('before'));
    });
    expect(notes()).toEqual([
      `recovered: the state was missing or truncated; restored ${join(instance.stateBackupsDir, 'a.json')}\n`,
      'recovered: removed the lock of a dead process (unreadable)\n',
    ]);
  });

  test('does not work on a stack that cannot be repaired', async () => {
    deployed();
    stubProgram('docker', 'case $3 in ps) echo unknown ;; rm) exit 1 ;; esac');
    await expect(changeStack('dev', options, async () => 'done')).rejects.toMatchObject({ code: 'E_PROCESS' });
    expect([existsSync(instance.lockFile), backups()]).toEqual([false, []]);
  });
});

describe('a daemon that does not answer', () => {
  beforeEach(() => stubProgram('docker', 'exit 1'));

  test('stops the change of an instance that was deployed on it, before anything', async () => {
    deployed();
    const before = readdirSync(instance.dir);
    await expect(changeStack('dev', options, async () => 'done')).rejects.toMatchObject({
      text: `E_DAEMON  docker: no daemon answers (got unix://${root}/no.sock); nothing was changed\nStart it, e.g. sudo systemctl start docker, then run ./gatewayctl up dev again.`,
    });
    expect(readdirSync(instance.dir)).toEqual(before);
  });

  test('is not asked for an instance of the sandbox', async () => {
    testInstance({ root, text: 'BIND_IP=nowhere\n' });
    writeEngineKind(instance, 'sandbox');
    // Invalid settings: the sandbox is not started.
    await expect(changeStack('dev', options, async () => 'done')).rejects.toMatchObject({ name: 'SettingsError' });
  });
});

describe('invalid settings', () => {
  test('do not stop a verb that needs none, and nothing is removed by name', async () => {
    deployed('BIND_IP=nowhere\n');
    stubProgram('docker', `[ "$3" = version ] || echo "$*" >>'${root}/docker.log'`);
    expect(await changeAnyStack('dev', options, async (stack) => stack.instance)).toEqual(instance);
    expect([existsSync(join(root, 'docker.log')), backups()]).toEqual([false, [expect.stringMatching(/Z\.json$/)]]);
  });

  test('stop every other verb', async () => {
    deployed('BIND_IP=nowhere\n');
    await expect(changeStack('dev', options, async () => 'done')).rejects.toMatchObject({ name: 'SettingsError' });
    expect([existsSync(instance.lockFile), backups()]).toEqual([false, []]);
  });
});

describe('an instance that is missing', () => {
  test.each([changeStack, changeAnyStack])('is refused for stage, and no directory is created: %o', async (change) => {
    await expect(change('stage', options, async () => 'done')).rejects.toMatchObject({ code: 'E_NO_INSTANCE' });
    expect(readdirSync(root)).toEqual([]);
  });

  test('is created for dev with the modes of init, whatever the umask', async () => {
    const umask = process.umask(0o077);
    onTestFinished(() => void process.umask(umask));
    // The stub of Pulumi fails: the instance is created before it runs.
    await expect(changeStack('dev', options, async () => 'done')).rejects.toMatchObject({ code: 'E_PROCESS' });
    expect(statSync(instance.dir).mode & 0o777).toBe(0o755);
    expect(notes()[0]).toMatch(/^created the instance .*\/dev on 127\./);
  });
});
