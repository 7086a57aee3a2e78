import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ensureToolchain } from '../../bootstrap/toolchain/toolchain.ts';
import { childEnvironment } from '../../host/environment.ts';
import { UserError } from '../../host/errors.ts';
import { checkoutDir } from '../../host/git.ts';
import { note, type Progress } from '../../host/output.ts';
import { writeWhole } from '../../host/whole-file.ts';
import { withScratch } from '../../instance/drafts.ts';
import { completeInstance, loopbackFor, makeInstance } from '../../instance/setup.ts';
import { type Instance, instanceOf, noInstance, userDirs } from '../../settings/instance.ts';
import { loadSettings, type Settings, SettingsError } from '../../settings/load.ts';
import type { Environment } from '../../settings/services.ts';
import { chooseEngine, type Engine, startEngine, writeEngineKind } from './engine.ts';
import { runPulumiProcess } from './run-pulumi.ts';
import { exportsOf, type Stack, type StackWithSettings } from './stack.ts';
import { checkpointFile, readCheckpoint } from './state-files.ts';

export interface PrepareOptions {
  readonly isSandboxAsked: boolean;
  readonly progress: Progress;
}

/** Prepares a stack on the engine of its environment. */
export const prepareStack = async (env: Environment, options: PrepareOptions): Promise<StackWithSettings> =>
  prepareStackOn(await chooseEngine(env, options.isSandboxAsked), env, options.progress);

/**
 * Installs the toolchain, starts the sandbox if it is the engine, and creates what is missing of the instance and of
 * Pulumi's stack. Idempotent.
 * @throws SettingsError before anything is installed or started
 */
export async function prepareStackOn(engine: Engine, env: Environment, progress: Progress): Promise<StackWithSettings> {
  const settings = loadSettings(ensureInstance(engine, env), checkoutDir);
  return { ...(await prepare(engine, settings.instance, progress)), settings };
}

/** Like prepareStackOn, but accepts an invalid .env; settings is then undefined. */
export async function prepareAnyStackOn(
  engine: Engine,
  env: Environment,
  progress: Progress,
): Promise<StackWithSettings<Settings | undefined>> {
  const instance = ensureInstance(engine, env);
  return { ...(await prepare(engine, instance, progress)), settings: validSettings(instance) };
}

/**
 * The instance of an environment; `dev` is created if it is missing.
 * @throws UserError E_NO_INSTANCE, E_NO_ACCESS
 */
export function ensureInstance(engine: Engine, env: Environment): Instance {
  const instance = instanceOf(env, engine.root);
  if (existsSync(instance.envFile)) return instance;
  if (env !== 'dev') throw noInstance(instance);
  const bindIp = loopbackFor(process.platform);
  makeInstance(instance, bindIp);
  note(`created the instance ${instance.dir} on ${bindIp}, with random secrets in its .env`);
  return instance;
}

function validSettings(instance: Instance): Settings | undefined {
  try {
    return loadSettings(instance, checkoutDir);
  } catch (error) {
    if (error instanceof SettingsError) return undefined;
    throw error;
  }
}

async function prepare(engine: Engine, instance: Instance, progress: Progress): Promise<Stack> {
  await startEngine(engine, progress);
  completeInstance(instance);
  const toolchain = await ensureToolchain({ cacheDir: userDirs().cacheDir, progress });
  const stack = { instance, engine, checkoutDir, exports: exportsOf(instance, engine, toolchain) };
  await initPulumiStack(stack);
  writeEngineKind(instance, engine.kind);
  return stack;
}

/** `stack init` writes its salt next to Pulumi.yaml: it runs in a scratch directory, then the file is moved. */
async function initPulumiStack(stack: Stack): Promise<void> {
  const { instance } = stack;
  requirePassphrase(instance);
  if (existsSync(checkpointFile(instance))) {
    if (!existsSync(instance.stackFile)) writeWhole(instance.stackFile, stackFileText(instance), 0o600);
    return;
  }
  await withScratch(instance, 'init', async (scratch) => {
    const scratchFile = join(scratch, basename(instance.stackFile));
    copyFileSync(join(stack.checkoutDir, 'Pulumi.yaml'), join(scratch, 'Pulumi.yaml'));
    if (existsSync(instance.stackFile)) copyFileSync(instance.stackFile, scratchFile);
    const args = ['stack', 'init', instance.env, '--no-select', '--non-interactive'];
    await runPulumiProcess(args, { cwd: scratch, env: childEnvironment(stack.exports) });
    writeWhole(instance.stackFile, readFileSync(scratchFile), 0o600);
  });
}

/**
 * The stack file of a deployed stack; the state contains the salt of a lost one too.
 * @throws UserError E_NO_SALT
 */
export function stackFileText(instance: Instance): string {
  if (existsSync(instance.stackFile)) return readFileSync(instance.stackFile, 'utf8');
  const path = checkpointFile(instance);
  const salt = readCheckpoint(path)?.checkpoint.latest?.secrets_providers?.state?.salt;
  if (salt !== undefined) return `encryptionsalt: ${salt}\n`;
  throw new UserError(
    'E_NO_SALT',
    `${path}: contains no salt`,
    "Restore the instance's Pulumi.<env>.yaml from a backup.",
  );
}

function requirePassphrase({ passphraseFile }: Instance): void {
  if (readFileSync(passphraseFile, 'utf8').trim() !== '') return;
  throw new UserError(
    'E_PASSPHRASE',
    `${passphraseFile}: must not be empty: it encrypts the secrets in the state`,
    'Restore the old passphrase from a backup. Only for a stack that was never deployed: delete the file, and a new one is created.',
  );
}
