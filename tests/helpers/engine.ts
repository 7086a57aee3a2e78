import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type RunResult, run } from '../../host/process.ts';

/** The work tree under test. */
export const workTree = dirname(dirname(import.meta.dirname));

/** Directory below which the engine of this run may be given host paths. */
export function instancesDir(): string {
  const dir = process.env.TEST_INSTANCES_DIR;
  if (dir === undefined) throw new Error('these tests need an engine of their own: run ./gatewayctl test engine');
  mkdirSync(dir, { recursive: true });
  return dir;
}

/** A copy of the work tree with a git history of its own, so that a test may change and commit. */
export interface Checkout {
  readonly dir: string;
  git(...args: string[]): Promise<string>;
  remove(): void;
}

export async function copyCheckout(name: string, parent = instancesDir()): Promise<Checkout> {
  const dir = checkoutDirIn(parent, name);
  const listed = await run(['git', '-C', workTree, 'ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  for (const file of listed.stdout.split('\0').filter((path) => path !== '')) {
    cpSync(join(workTree, file), join(dir, file), { recursive: true });
  }
  return asCheckout(dir);
}

/** The work tree at a commit, with today's packages: start its `cli/main.ts`, since `gatewayctl` would install its own. */
export async function checkoutAt(commit: string, name: string): Promise<Checkout> {
  const dir = checkoutDirIn(instancesDir(), name);
  const archive = join(dir, 'archive.tar');
  const { exitCode, stderr } = await run(['git', '-C', workTree, 'archive', '--output', archive, commit], {
    allowedExitCodes: 'any',
  });
  if (exitCode !== 0) {
    throw new Error(
      `${commit}: is not in this clone (${stderr.trim()}); it needs the whole history: git fetch --unshallow`,
    );
  }
  await run(['tar', '-xf', archive, '-C', dir]);
  rmSync(archive);
  return asCheckout(dir);
}

function checkoutDirIn(parent: string, name: string): string {
  const dir = mkdtempSync(join(parent, `${name}-checkout-`));
  chmodSync(dir, 0o755);
  return dir;
}

/** Adds a git history and the packages to files. */
async function asCheckout(dir: string): Promise<Checkout> {
  // Hard links: the packages are large and never written to.
  await run(['cp', '-a', '-l', join(workTree, 'node_modules'), join(dir, 'node_modules')]);
  const git = async (...args: string[]) => {
    const identity = ['-c', 'user.name=test', '-c', 'user.email=test@localhost', '-c', `safe.directory=${dir}`];
    return (await run(['git', '-C', dir, ...identity, ...args])).stdout.trim();
  };
  await git('init', '--quiet', '--initial-branch=dev');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'start');
  return { dir, git, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** A root of instances of its own. */
const makeRoot = (name: string): string => mkdtempSync(join(instancesDir(), `${name}-`));

export interface Shell {
  readonly checkout: Checkout;
  readonly root: string;
  /** Prefix of a command that runs it as another user or under another umask. */
  readonly before?: readonly string[];
  /** The environment; default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Home of a user that was created for this shell. */
  readonly home?: string;
}

/** A copy of the checkout and a root of instances for it. */
export const makeShell = async (name: string): Promise<Shell> => ({
  checkout: await copyCheckout(name),
  root: makeRoot(name),
});

export const shellEnvironment = ({ root, env = process.env }: Shell) => ({ ...env, TAXLIEN_GATEWAY_ROOT: root });

/** Runs `./gatewayctl` of a checkout on a root, as an operator without a terminal would. */
export function gatewayctl(shell: Shell, args: readonly string[], allowed: 'any' | undefined = undefined) {
  return run([...(shell.before ?? []), join(shell.checkout.dir, 'gatewayctl'), ...args], {
    cwd: '/',
    env: shellEnvironment(shell),
    ...(allowed === undefined ? {} : { allowedExitCodes: allowed }),
  });
}

/** Runs a command after `eval "$(./gatewayctl env <env>)"`, in the checkout. */
export async function inStackShell(shell: Shell, env: string, argv: readonly string[]): Promise<RunResult> {
  const exports = (await gatewayctl(shell, ['env', env])).stdout;
  const script = 'eval "$1"; shift; exec "$@"';
  return run([...(shell.before ?? []), 'sh', '-c', script, 'sh', exports, ...argv], {
    cwd: shell.checkout.dir,
    env: shellEnvironment(shell),
    allowedExitCodes: 'any',
  });
}

/** Destroys environments of a root and forgets their volumes, so that the next test may use the names elsewhere. */
export async function tearDown(shell: Shell, ...envs: readonly string[]): Promise<void> {
  for (const env of envs) {
    await gatewayctl(shell, ['destroy', env, '--yes'], 'any');
    await removeVolumes(`taxlien-gateway-${env}`);
  }
  shell.checkout.remove();
}

async function removeVolumes(project: string): Promise<void> {
  const names = await docker('volume', 'ls', '--quiet', '--filter', `name=^${project}_`);
  if (names !== '') await docker('volume', 'rm', ...names.split('\n'));
}

export async function docker(...args: string[]): Promise<string> {
  return (await run(['docker', ...args])).stdout.trim();
}

export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly State: { readonly Pid: number; readonly StartedAt: string; readonly Health: { readonly Status: string } };
  readonly RestartCount: number;
  readonly Config: {
    readonly Env: readonly string[];
    readonly Labels: Readonly<Record<string, string>>;
    readonly User: string;
  };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[];
    readonly SecurityOpt: readonly string[];
    readonly Memory: number;
    readonly MemorySwap: number;
    readonly RestartPolicy: { readonly Name: string };
    readonly LogConfig: { readonly Type: string; readonly Config: Readonly<Record<string, string>> };
  };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, unknown>>;
  };
}

/** Containers of a project by service, running or not. */
export async function containersOf(project: string): Promise<Readonly<Record<string, Inspected>>> {
  const ids = await docker('ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${project}`);
  if (ids === '') return {};
  const found = JSON.parse(await docker('inspect', ...ids.split('\n'))) as Inspected[];
  return Object.fromEntries(found.map((entry) => [entry.Config.Labels['com.docker.compose.service'] ?? '', entry]));
}

/** Container ids of a project by service. */
export async function containerIds(project: string): Promise<Readonly<Record<string, string>>> {
  const found = await containersOf(project);
  return Object.fromEntries(Object.entries(found).map(([service, { Id }]) => [service, Id]));
}

/** Addresses that TCP sockets listen on in this network, as `ip:port`. */
export async function listening(): Promise<readonly string[]> {
  const { stdout } = await run(['ss', '--no-header', '-ltn']);
  return stdout.split('\n').flatMap((line) => line.trim().split(/\s+/)[3] ?? []);
}

/** Polls until `probe` returns a value; the error has what it waited for and the last value seen. */
export async function eventually<T>(what: string, timeoutMs: number, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const value = await probe();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: last });
}
