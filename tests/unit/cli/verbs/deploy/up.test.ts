import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { readDeployRecord } from '../../../../../cli/deploy/record.ts';
import { up } from '../../../../../cli/verbs/deploy/up.ts';
import { UserError } from '../../../../../host/errors.ts';
import { withInstanceLock } from '../../../../../instance/lock.ts';
import { instanceOf } from '../../../../../settings/instance.ts';
import { testInstance } from '../../../../helpers/instance.ts';
import { stubProgram } from '../../../../helpers/stub-program.ts';
import { temporaryDir, writeFiles } from '../../../../helpers/temporary.ts';

const progress = { step: () => {}, tick: () => {}, done: () => {} };

let root: string;
let printed: string;

beforeEach(() => {
  root = temporaryDir();
  printed = '';
  vi.stubEnv('TAXLIEN_GATEWAY_ROOT', root);
  vi.stubEnv('XDG_STATE_HOME', join(root, 'state'));
  vi.stubEnv('DOCKER_HOST', `unix://${root}/no.sock`);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    printed += text;
    return true;
  });
});

/** The error of a deploy that is refused. */
async function refused(word: string, options = {}): Promise<UserError> {
  const error = await up.run({ words: [word], options, progress }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof UserError) return error;
  throw new Error('was not refused', { cause: error });
}

test('a refusal before the stack is prepared is recorded for the summary', async () => {
  const instance = testInstance({ env: 'stage', root });
  const error = await refused('stage', { run: 'run-7' });
  expect(error.code).toBe('E_DAEMON');
  expect(readDeployRecord(instance)).toMatchObject({
    env: 'stage',
    run: 'run-7',
    changes: [],
    services: [],
    downtime: [],
    failure: { phase: 'prepare the deploy', cause: error.text },
  });
  expect(printed).toBe('');
});

test('without an instance nothing is written', async () => {
  expect((await refused('stage')).code).toBe('E_DAEMON');
  expect(existsSync(instanceOf('stage', root).dir)).toBe(false);
});

test('the record belongs to the deploy that holds the lock', async () => {
  stubProgram('docker', 'echo 29.0.0');
  const instance = testInstance({ env: 'stage', root });
  writeFiles(instance.dir, { 'logs/last-deploy.json': 'of the other deploy' });
  const hold = { what: 'up stage', isWaiting: false, progress };
  expect((await withInstanceLock(instance, hold, () => refused('stage'))).code).toBe('E_LOCKED');
  expect(readFileSync(instance.deployRecordFile, 'utf8')).toBe('of the other deploy');
});

test('a record that cannot be written is reported, and the cause stays the error', async () => {
  const { dir } = testInstance({ env: 'stage', root });
  writeFiles(dir, { logs: 'a file' });
  expect((await refused('stage')).code).toBe('E_DAEMON');
  expect(printed).toBe(`EEXIST: file already exists, mkdir '${join(dir, 'logs')}'\n`);
});

test.each([
  ['a word that is no environment', 'E_ENVIRONMENT', 'nonsense', '/'],
  ['a root that is no absolute path', 'E_ROOT', 'stage', 'relative'],
])('%s leaves no instance to record it in, and is reported once', async (_, code, word, badRoot) => {
  vi.stubEnv('TAXLIEN_GATEWAY_ROOT', badRoot);
  expect((await refused(word)).code).toBe(code);
  expect(printed).toBe('');
});
