import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { limitCompileCache } from '../../bootstrap/compile-cache.ts';
import { ensureToolchain, type Toolchain } from '../../bootstrap/toolchain/toolchain.ts';
import { isDaemonAnswering } from '../../docker/host.ts';
import { childEnvironment, isWatched, type Overrides, pathWith, plainOutput } from '../../host/environment.ts';
import { UserError } from '../../host/errors.ts';
import { checkoutDir } from '../../host/git.ts';
import { note, type Progress, print } from '../../host/output.ts';
import { writeWhole } from '../../host/whole-file.ts';
import { removeDrafts, withScratch } from '../../instance/drafts.ts';
import { withInstanceLock } from '../../instance/lock.ts';
import { completeInstance, loopbackFor, makeInstance, noInstance } from '../../instance/setup.ts';
import { type Environment, type Instance, instanceOf, userDirs } from '../../settings/instance.ts';
import { loadSettings } from '../../settings/load.ts';
import { chooseEngine, type Engine, startEngine, writeEngineKind } from './engine.ts';
import { recoverStack } from './recovery.ts';
import { markName, runPulumiProcess } from './run-pulumi.ts';
import { backUpState, checkpointFile, readCheckpoint, restoreState } from './state-files.ts';

/** All that a `pulumi` or `docker` command needs to work on one environment. */
export interface Stack {
  readonly instance: Instance;
  readonly engine: Engine;
  readonly checkoutDir: string;
  /** Environment variables that make the shell the stack's own; `undefined` unsets one. */
  readonly exports: Overrides;
}

export interface PrepareOptions {
  readonly isSandboxAsked: boolean;
  readonly progress: Progress;
  /** Whether bad settings are refused before anything is brought or started. */
  readonly areSettingsNeeded: boolean;
}

/** How a verb that changes the stack goes about it. */
export interface ChangeOptions extends PrepareOptions {
  /** What is done, for those who find the instance locked: `up dev`. */
  readonly what: string;
  /** Whether to wait for another gatewayctl that changes the instance. */
  readonly isWaiting: boolean;
}

/**
 * Prepares a stack and changes it: one gatewayctl at a time, on a state that was mended and copied before.
 * @throws UserError E_LOCKED, E_STATE_LOCKED
 */
export async function changeStack<T>(
  env: Environment,
  options: ChangeOptions,
  work: (stack: Stack) => Promise<T>,
): Promise<T> {
  const engine = await chooseEngine(env, options.isSandboxAsked);
  const { kind, root, dockerHost } = engine;
  if (kind === 'daemon' && !(await isDaemonAnswering(dockerHost))) {
    throw new UserError(
      'E_DAEMON',
      `docker: no daemon answers (got ${dockerHost}); nothing was changed`,
      `Start it, e.g. sudo systemctl start docker, then run ./gatewayctl ${options.what} again.`,
    );
  }
  const instance = instanceOf(env, root);
  return withInstanceLock(instance, options, async () => {
    const copy = restoreState(instance);
    if (copy !== undefined) note(`recovered: the state was cut off or gone, took ${copy}`);
    const stack = await prepareStackOn(engine, env, options);
    for (const line of await recoverStack(stack, options.progress)) note(`recovered: ${line}`);
    removeDrafts(instance);
    backUpState(stack.instance, new Date());
    return work(stack);
  });
}

/** Brings toolchain, daemon and instance, and Pulumi's stack in it. Safe to repeat. */
export const prepareStack = async (env: Environment, options: PrepareOptions): Promise<Stack> =>
  prepareStackOn(await chooseEngine(env, options.isSandboxAsked), env, options);

async function prepareStackOn(
  engine: Engine,
  env: Environment,
  { progress, areSettingsNeeded }: PrepareOptions,
): Promise<Stack> {
  const instance = instanceOf(env, engine.root);
  if (!existsSync(instance.envFile)) {
    if (env !== 'dev') throw noInstance(env, instance);
    const bindIp = loopbackFor(process.platform);
    makeInstance(instance, bindIp);
    note(`made the instance ${instance.dir} on ${bindIp}, with random secrets in its .env`);
  }
  if (areSettingsNeeded) loadSettings(instance, checkoutDir);
  await startEngine(engine, progress);
  completeInstance(instance);
  const toolchain = await ensureToolchain({ cacheDir: userDirs().cacheDir, progress });
  limitCompileCache(compileCacheDir());
  const stack = { instance, engine, checkoutDir, exports: exportsOf(instance, engine, toolchain) };
  await initPulumiStack(stack);
  writeEngineKind(instance, engine.kind);
  return stack;
}

const compileCacheDir = () => join(userDirs().cacheDir, 'compile');

/** Environment variables by which Pulumi and Docker work on an instance. */
export function exportsOf(instance: Instance, engine: Engine, toolchain: Toolchain): Overrides {
  return {
    PATH: pathWith(toolchain.binDir, dirname(process.execPath)),
    DOCKER_HOST: engine.dockerHost,
    TAXLIEN_GATEWAY_ROOT: engine.root,
    PULUMI_HOME: toolchain.pulumiHome,
    PULUMI_BACKEND_URL: `file://${instance.stateDir}`,
    PULUMI_STACK: instance.env,
    PULUMI_CONFIG_PASSPHRASE: undefined,
    PULUMI_CONFIG_PASSPHRASE_FILE: instance.passphraseFile,
    PULUMI_OPTION_CONFIG_FILE: instance.stackFile,
    PULUMI_OPTION_EXCLUDE_PROTECTED: 'true',
    PULUMI_OPTION_PRESERVE_CONFIG: 'true',
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    // It keeps a log of each run, by itself up to 500 MB of them.
    PULUMI_LOG_ROTATION_MAX_TOTAL_MB: '50',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    PULUMI_IGNORE_AMBIENT_PLUGINS: 'true',
    NODE_COMPILE_CACHE: compileCacheDir(),
    // Pulumi's ts-node compiles nothing here, and would leave a directory among the system's temporary files.
    TS_NODE_CACHE: 'false',
  };
}

/**
 * Runs `pulumi` in the checkout. On a terminal it has the terminal to itself; in a log, its lines about looking
 * and waiting are left out.
 * @returns its exit code
 */
export async function runPulumi(stack: Stack, args: readonly string[]): Promise<number> {
  // A preview holds no lock: nobody may take it for a leftover.
  const mark = args[0] === 'preview' ? {} : { [markName]: stack.instance.dir };
  const env = childEnvironment({ ...stack.exports, ...plainOutput(isWatched()), ...mark });
  const common = { cwd: stack.checkoutDir, env, allowedExitCodes: 'any', isStopOrderly: true } as const;
  if (isWatched()) return (await runPulumiProcess(args, { ...common, stdio: 'inherit' })).exitCode;
  const onLine = (line: string) => {
    if (!isNoise(line)) print(line);
  };
  return (await runPulumiProcess([...args, '--color', 'never'], { ...common, onLine })).exitCode;
}

/** Lines of Pulumi's plain display that only say that it looks at something, waits, or found no change. */
export const isNoise = (line: string) =>
  line.startsWith('@ ') || /^ ~ {2}\S+ \S+ refresh(ing)? \(/.test(line) || /^ {4}[a-z]+:[a-z]+:\S+ \S+ *$/i.test(line);

/** The stack's outputs, as `pulumi stack output` gives them; secret ones stay hidden. */
export async function readOutputs(stack: Stack): Promise<StackOutputs> {
  const options = { cwd: stack.checkoutDir, env: childEnvironment(stack.exports) };
  return JSON.parse((await runPulumiProcess(['stack', 'output', '--json'], options)).stdout) as StackOutputs;
}

/** What index.ts exports, as far as it is shown. */
export interface StackOutputs {
  readonly commit: string;
  readonly network: string;
  readonly urls: Readonly<Record<string, string>>;
  readonly volumes: Readonly<Record<string, { readonly name: string; readonly hostPath: string }>>;
}

/** `stack init` writes its salt beside Pulumi.yaml: it is run in a scratch directory, and the file is moved. */
async function initPulumiStack(stack: Stack): Promise<void> {
  const { instance } = stack;
  requirePassphrase(instance);
  const checkpoint = checkpointFile(instance);
  if (existsSync(checkpoint)) {
    if (!existsSync(instance.stackFile))
      writeWhole(instance.stackFile, `encryptionsalt: ${saltOf(checkpoint)}\n`, 0o600);
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

/** The salt stands in the state as well: a lost stack file is no lost stack. */
function saltOf(path: string): string {
  const salt = readCheckpoint(path)?.checkpoint.latest?.secrets_providers?.state?.salt;
  if (salt !== undefined) return salt;
  throw new UserError('E_NO_SALT', `${path}: holds no salt`, "Restore the instance's Pulumi.<env>.yaml from a backup.");
}

function requirePassphrase({ passphraseFile }: Instance): void {
  if (readFileSync(passphraseFile, 'utf8').trim() !== '') return;
  throw new UserError(
    'E_PASSPHRASE',
    `${passphraseFile}: is empty, and would encrypt nothing`,
    'Put the old passphrase back from a backup. Only for a stack that was never deployed: delete the file, and it is made anew.',
  );
}
