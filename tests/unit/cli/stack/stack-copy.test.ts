import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import type { Stack } from '../../../../cli/stack/stack.ts';
import { withStackCopy } from '../../../../cli/stack/stack-copy.ts';
import { checkpointFile } from '../../../../cli/stack/state-files.ts';
import { checkoutDir } from '../../../../host/git.ts';
import type { Instance } from '../../../../settings/instance.ts';
import { testInstance } from '../../../helpers/instance.ts';
import { stubToolchain } from '../../../helpers/stub-toolchain.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

const progress = { step: () => {}, tick: () => {}, done: () => {} };
const state = JSON.stringify({ checkpoint: { latest: { secrets_providers: { state: { salt: 'in the state' } } } } });

let instance: Instance;
let toolchain: string;
/** Where the copies are made. */
let copies: string;

beforeEach(() => {
  const root = temporaryDir();
  copies = temporaryDir();
  toolchain = stubToolchain('exit 1');
  vi.stubEnv('TMPDIR', copies);
  vi.stubEnv('TAXLIEN_GATEWAY_ROOT', root);
  vi.stubEnv('DOCKER_HOST', `unix://${root}/no.sock`);
  instance = testInstance({ env: 'stage', root });
  writeFiles(instance.dir, {
    'Pulumi.stage.yaml': 'encryptionsalt: of the file\n',
    'state/.pulumi/stacks/taxlien-gateway/stage.json': state,
    'state/.pulumi/meta.yaml': 'version: 1\n',
    'state/.pulumi/locks/organization/taxlien-gateway/stage/a.json': '{}',
    'state/.pulumi/history/taxlien-gateway/stage/stage.1.json': '{}',
  });
});

const filesOf = (dir: string) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();
const copy = <T>(work: (stack: Stack) => Promise<T>) => withStackCopy('stage', progress, work);

test('has the state and the stack file, with the plugins, and changes nothing in the instance', async () => {
  const before = [instance.dir, toolchain].map(filesOf);
  const result = await copy(async ({ exports, instance: copied, ...stack }) => {
    const [name = ''] = readdirSync(copies);
    const scratch = join(copies, name);
    expect(filesOf(scratch)).toEqual([
      'Pulumi.stage.yaml',
      'home/plugins/a-plugin',
      'state/.pulumi/meta.yaml',
      'state/.pulumi/stacks/taxlien-gateway/stage.json',
    ]);
    expect(exports).toMatchObject({
      PULUMI_BACKEND_URL: `file://${scratch}/state`,
      PULUMI_HOME: join(scratch, 'home'),
      PULUMI_OPTION_CONFIG_FILE: join(scratch, 'Pulumi.stage.yaml'),
      PULUMI_CONFIG_PASSPHRASE_FILE: instance.passphraseFile,
    });
    expect(stack.checkoutDir).toBe(checkoutDir);
    writeFileSync(checkpointFile(copied), 'changed');
    writeFileSync(join(scratch, 'Pulumi.stage.yaml'), 'changed');
    return 42;
  });
  expect(result).toBe(42);
  expect([instance.dir, toolchain].map(filesOf)).toEqual(before);
  expect(readdirSync(copies)).toEqual([]);
  expect(readFileSync(checkpointFile(instance), 'utf8')).toBe(state);
  expect(readFileSync(instance.stackFile, 'utf8')).toBe('encryptionsalt: of the file\n');
});

test('is removed if the work fails', async () => {
  const failure = new Error('preview failed');
  await expect(copy(() => Promise.reject(failure))).rejects.toBe(failure);
  expect(readdirSync(copies)).toEqual([]);
});

test('of a state from before meta.yaml has none', async () => {
  rmSync(join(instance.stateDir, '.pulumi/meta.yaml'));
  expect(await copy(async ({ instance: { stateDir } }) => filesOf(stateDir))).toEqual([
    '.pulumi/stacks/taxlien-gateway/stage.json',
  ]);
});

test('has the salt of the state if the stack file is lost', async () => {
  rmSync(instance.stackFile);
  const text = await copy(async ({ exports }) => readFileSync(exports.PULUMI_OPTION_CONFIG_FILE ?? '', 'utf8'));
  expect(text).toBe('encryptionsalt: in the state\n');
  expect(existsSync(instance.stackFile)).toBe(false);
});

test('is refused if the stack file is lost and the state is truncated', async () => {
  rmSync(instance.stackFile);
  writeFileSync(checkpointFile(instance), state.slice(0, -5));
  await expect(copy(async () => 0)).rejects.toMatchObject({ code: 'E_NO_SALT' });
  expect(readdirSync(copies)).toEqual([]);
});

test('is refused for a stack that was never deployed, before anything is installed', async () => {
  rmSync(instance.stateDir, { recursive: true });
  vi.stubEnv('XDG_CACHE_HOME', join(copies, 'cache'));
  await expect(copy(async () => 0)).rejects.toMatchObject({
    text: `E_NOT_DEPLOYED  ${instance.dir}: must be deployed once (got no ${checkpointFile(instance)})\nRun ./gatewayctl up stage.`,
  });
  expect(readdirSync(copies)).toEqual([]);
});
