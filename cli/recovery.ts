import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { processStartMs } from '../bootstrap/lock.ts';
import { childEnvironment } from '../settings/child-environment.ts';
import { UserError } from '../settings/errors.ts';
import type { Instance } from '../settings/instance.ts';
import { loadSettings, type Settings, SettingsError } from '../settings/load.ts';
import { containerName, environmentLabel, networkName } from '../settings/names.ts';
import { run } from './process.ts';
import type { Stack } from './stack.ts';
import { checkpointFile, pulumiLocksDir, readCheckpoint } from './state-files.ts';

/** What `ps` rounds away, and a clock that was set meanwhile. */
const clockSlackMs = 2_000;

/** A lock file as Pulumi's file backend writes it. */
interface PulumiLock {
  readonly pid: number;
  readonly username: string;
  readonly hostname: string;
  readonly timestamp: string;
}

/**
 * Mends what a killed run left: a lock of a dead process, pending operations, containers and networks that no state
 * knows. Does nothing where nothing was left; touches nothing without this instance's labels.
 * @returns one line for each thing that was mended
 * @throws UserError E_STATE_LOCKED where a living process holds the state
 */
export async function recoverStack(stack: Stack): Promise<readonly string[]> {
  const { instance } = stack;
  const done = await clearDeadLocks(instance);
  const pending = readCheckpoint(checkpointFile(instance))?.checkpoint.latest?.pending_operations ?? [];
  const settings = readableSettings(stack);
  if (settings !== undefined) done.push(...(await removeOrphans(stack, settings)));
  if (pending.length > 0) {
    const argv = ['pulumi', 'refresh', '--yes', '--skip-preview', '--clear-pending-creates', '--non-interactive'];
    await run(argv, { cwd: stack.checkoutDir, env: childEnvironment(stack.exports) });
    done.push(`cleared ${pending.length} operations that a killed run left pending`);
  }
  return done;
}

/** Without them nobody knows the names; the verbs that need settings have refused before. */
function readableSettings({ instance, checkoutDir }: Stack): Settings | undefined {
  try {
    return loadSettings(instance, checkoutDir);
  } catch (error) {
    if (error instanceof SettingsError) return undefined;
    throw error;
  }
}

/** Pulumi never clears the lock of a killed run, and its `cancel` clears living ones too. */
async function clearDeadLocks(instance: Instance): Promise<string[]> {
  const dir = pulumiLocksDir(instance);
  if (!existsSync(dir)) return [];
  const done: string[] = [];
  for (const name of readdirSync(dir).filter((entry) => entry.endsWith('.json'))) {
    const path = join(dir, name);
    const lock = readLock(path);
    if (lock !== undefined && (await isHeld(lock))) {
      throw new UserError(
        'E_STATE_LOCKED',
        `${path}: process ${lock.pid} of ${lock.username} on ${lock.hostname} works on the state since ${lock.timestamp}`,
        `Let it end; look at it: ps -p ${lock.pid}.`,
      );
    }
    rmSync(path, { force: true });
    rmSync(`${path}.attrs`, { force: true });
    done.push(`removed the lock of a process that is gone (${lock?.pid ?? 'unreadable'})`);
  }
  return done;
}

function readLock(path: string): PulumiLock | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as PulumiLock;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A lock of another host is never ours to judge; a process younger than the lock only has its number. */
async function isHeld(lock: PulumiLock): Promise<boolean> {
  if (lock.hostname !== hostname()) return true;
  const startMs = await processStartMs(lock.pid);
  return startMs !== undefined && startMs <= Date.parse(lock.timestamp) + clockSlackMs;
}

async function removeOrphans(stack: Stack, settings: Settings): Promise<readonly string[]> {
  const docker = async (...args: string[]) => {
    const argv = ['docker', '--host', stack.engine.dockerHost, ...args];
    return (await run(argv)).stdout.split('\n').filter((line) => line !== '');
  };
  const known = new Set(
    (readCheckpoint(checkpointFile(stack.instance))?.checkpoint.latest?.resources ?? []).map(({ id }) => id),
  );
  const ours = [
    ['--filter', `label=com.docker.compose.project=${settings.project}`],
    ['--filter', `label=${environmentLabel}=${settings.env}`],
  ].flat();
  const containers = (await docker('ps', '--all', '--no-trunc', '--quiet', ...ours)).filter((id) => !known.has(id));
  // The steps before the swap have names too, which a killed run may leave taken.
  const steps = ['selfcheck', 'migrate'].map((step) => `${containerName(settings, 'gateway')}-${step}`);
  const stepIds = await docker(
    ...['ps', '--all', '--no-trunc', '--quiet'],
    ...steps.flatMap((name) => ['--filter', `name=^/${name}$`]),
  );
  const networks = (await docker('network', 'ls', '--no-trunc', '--quiet', ...ours)).filter((id) => !known.has(id));
  const orphans = [...containers, ...stepIds];
  if (orphans.length > 0) await docker('rm', '--force', ...orphans);
  for (const id of networks) await removeNetwork(docker, id);
  return [
    ...(orphans.length > 0 ? [`removed ${orphans.length} containers that the state does not know`] : []),
    ...(networks.length > 0 ? [`removed network ${networkName(settings)}, which the state does not know`] : []),
  ];
}

/** Containers that the state knows may hang on a network that it lost: they are replaced with it. */
async function removeNetwork(docker: (...args: string[]) => Promise<readonly string[]>, id: string): Promise<void> {
  const holders = await docker('ps', '--all', '--no-trunc', '--quiet', '--filter', `network=${id}`);
  for (const holder of holders) await docker('network', 'disconnect', '--force', id, holder);
  await docker('network', 'rm', id);
}
