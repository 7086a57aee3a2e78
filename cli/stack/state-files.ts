import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../host/errors.ts';
import { readJson, writeWhole } from '../../host/whole-file.ts';
import type { Instance } from '../../settings/instance.ts';

/** The fields of a resource in a state that are read here. */
export interface StateResource {
  readonly type: string;
  readonly id?: string;
}

/** The fields of a Pulumi checkpoint that are read here. */
export interface Checkpoint {
  readonly checkpoint: {
    readonly latest?: {
      readonly resources?: readonly StateResource[];
      readonly pending_operations?: readonly { readonly type: string; readonly resource: { readonly urn: string } }[];
      readonly secrets_providers?: { readonly state?: { readonly salt?: string } };
    };
  };
}

const project = 'taxlien-gateway';
const keptBackups = 20;
const keptOperations = 20;

/** The file that holds the state of an instance's stack. */
export const checkpointFile = ({ stateDir, env }: Instance) =>
  join(stateDir, '.pulumi', 'stacks', project, `${env}.json`);

/** Directory of Pulumi's own locks on the stack, a file for each process. */
export const pulumiLocksDir = ({ stateDir, env }: Instance) =>
  join(stateDir, '.pulumi', 'locks', 'organization', project, env);

/** Pulumi's own backups, one for each write of the state. */
const pulumiBackupsDir = ({ stateDir, env }: Instance) => join(stateDir, '.pulumi', 'backups', project, env);

/** The state; `undefined` if the file is missing, empty or truncated. */
export function readCheckpoint(path: string): Checkpoint | undefined {
  const state = readJson(path) as Partial<Checkpoint> | undefined;
  return state?.checkpoint === undefined ? undefined : (state as Checkpoint);
}

/** Copies a valid state to `backups/state/`, keeps the last 20 there, and prunes Pulumi's own backups. */
export function backUpState(instance: Instance, now: Date): void {
  const path = checkpointFile(instance);
  if (readCheckpoint(path) === undefined) return;
  const dir = instance.stateBackupsDir;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const target = join(dir, `${now.toISOString().replaceAll(':', '-')}.json`);
  writeWhole(target, readFileSync(path), 0o600);
  pruneOldest(dir, keptBackups);
  // Each operation leaves a history entry, a checkpoint and a backup, each with a file of attributes.
  pruneOldest(join(instance.stateDir, '.pulumi', 'history', project, instance.env), keptOperations * 4);
  pruneOldest(pulumiBackupsDir(instance), keptOperations * 2);
}

/**
 * Restores a missing, empty or truncated state from the newest valid copy, Pulumi's or ours.
 * @returns the copy that was used; `undefined` if the state is valid or never existed
 */
export function restoreState(instance: Instance): string | undefined {
  const path = checkpointFile(instance);
  if (readCheckpoint(path) !== undefined) return undefined;
  const copies = [...filesIn(instance.stateBackupsDir), ...filesIn(pulumiBackupsDir(instance)), `${path}.bak`];
  const good = newestFirst(copies.filter((copy) => existsSync(copy))).find(
    (copy) => readCheckpoint(copy) !== undefined,
  );
  if (good === undefined) {
    if (!existsSync(path)) return undefined;
    throw new UserError(
      'E_STATE_LOST',
      `${path}: is not a valid Pulumi state, and ${instance.stateBackupsDir} has no valid copy`,
      `Restore it from your own backup; or, to use the data and volumes in a new stack: rm ${path}.`,
    );
  }
  mkdirSync(join(path, '..'), { recursive: true });
  writeWhole(path, readFileSync(good), 0o600);
  return good;
}

function pruneOldest(dir: string, kept: number): void {
  for (const path of newestFirst(filesIn(dir)).slice(kept)) rmSync(path, { force: true });
}

const filesIn = (dir: string): readonly string[] =>
  existsSync(dir) ? readdirSync(dir).map((name) => join(dir, name)) : [];

function newestFirst(paths: readonly string[]): readonly string[] {
  return paths
    .map((path) => ({ path, mtimeMs: statSync(path).mtimeMs }))
    .sort((a, b) => b.mtimeMs - a.mtimeMs || (a.path < b.path ? 1 : -1))
    .map(({ path }) => path);
}
