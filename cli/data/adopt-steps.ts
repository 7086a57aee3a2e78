import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DockerClient } from '../../docker/client.ts';
import { imageMajorOf } from '../../docker/images/pins.ts';
import upstreamImages from '../../docker/images/upstream-images.json' with { type: 'json' };
import { environmentLabel } from '../../docker/names.ts';
import { UserError } from '../../host/errors.ts';
import type { Progress } from '../../host/output.ts';
import { writeWhole } from '../../host/whole-file.ts';
import {
  type AdoptedData,
  type Adoption,
  type AdoptionPlan,
  readAdoption,
  writeAdoption,
} from '../../instance/adoption-journal.ts';
import { currentMarker, writeMarker } from '../../instance/data-markers.ts';
import { lackOfRoom } from '../../preflight/places.ts';
import type { Settings } from '../../settings/load.ts';
import { dataOwners, userOf } from '../../settings/services.ts';
import { readComposeProject } from './compose-project.ts';
import { DataCopier, type Tree, type TreeContent } from './data-copy.ts';

/** What an adoption works with. */
export interface AdoptionPlace {
  readonly settings: Settings;
  readonly docker: DockerClient;
  readonly progress: Progress;
}

/** Creates and verifies all copies; removes nothing of the project. */
export async function copyProject(place: AdoptionPlace, plan: AdoptionPlan): Promise<Adoption> {
  const { settings, docker, progress } = place;
  const { instance, dataDir } = settings;
  const copier = new DataCopier(settings, docker, await ensureImage(place));
  mkdirSync(dataDir, { recursive: true, mode: 0o755 });
  await refuseWithoutRoom(settings, plan, copier);
  const backupDir = readAdoption(instance)?.backupDir ?? join(instance.backupsDir, `adopt-${stamp(new Date())}`);
  mkdirSync(backupDir, { recursive: true, mode: 0o700 });
  const adoption = { phase: 'copying', backupDir, plan } as const;
  writeAdoption(instance, adoption);
  await keepInspected(place, backupDir);
  const contents: Partial<Record<string, TreeContent>> = {};
  for (const { volume, from } of plan.data.filter(({ isDockerManaged }) => isDockerManaged)) {
    progress.step(`backing up ${volume} from ${from.source}`);
    contents[volume] = await copier.copy(from, { type: 'bind', source: backupDir }, volume);
    progress.done(`${volume}: backed up and compared, ${contents[volume].files} files`);
  }
  writeWhole(join(backupDir, 'contents.json'), `${JSON.stringify(contents, undefined, 2)}\n`, 0o600);
  for (const data of plan.data) {
    const content = await copyVolume(place, copier, data);
    const backedUp = contents[data.volume] ?? content;
    if (content?.sha256 === backedUp?.sha256) continue;
    throw new UserError(
      'E_COPY_DIFFERS',
      `${data.to}: differs from the backup of ${data.from.source}`,
      `Find the process that writes there, then run ./gatewayctl adopt ${settings.env} again.`,
    );
  }
  const copied = { ...adoption, phase: 'switching' } as const;
  writeAdoption(instance, copied);
  return copied;
}

/** Copies one volume to its directory, and changes its owner to the user of this stack's image. */
async function copyVolume(
  { settings, progress }: AdoptionPlace,
  copier: DataCopier,
  { volume, from, isInPlace, to }: AdoptedData,
): Promise<TreeContent | undefined> {
  let content: TreeContent | undefined;
  if (!isInPlace) {
    progress.step(`copying ${volume} from ${from.source}`);
    content = await copier.copy(from, { type: 'bind', source: settings.dataDir }, volume);
    progress.done(`${volume}: copied and compared, ${content.files} files`);
  }
  const tree: Tree = { type: 'bind', source: to };
  if (volume === 'redis') await convertSnapshotToLog(copier, tree);
  // As in a first deploy: without it, the directory seems empty to a user who may not list it.
  if (volume !== 'postgres') await copier.change(tree, ['mkdir', '-p', '-m', '0700', '.keep']);
  progress.step(`changing the owner of ${volume} to ${userOf(dataOwners[volume])}`);
  await copier.change(tree, ['chown', '-R', '-h', userOf(dataOwners[volume]), '.']);
  await copier.change(tree, ['chmod', '0700', '.']);
  return content;
}

/** With an append-only file, Redis reads nothing else: it would ignore a snapshot and then overwrite it. */
async function convertSnapshotToLog(copier: DataCopier, tree: Tree): Promise<void> {
  const names = await copier.names(tree);
  if (!names.includes('dump.rdb') || names.includes('appendonlydir') || names.includes('appendonly.aof')) return;
  // An append-only file may begin with a snapshot.
  await copier.change(tree, ['cp', '-a', 'dump.rdb', 'appendonly.aof']);
}

/** Removes what would block the next deploy. Idempotent: after a kill, the next run finishes it. */
export async function switchProject(place: AdoptionPlace, adoption: Adoption): Promise<Adoption> {
  const { settings, docker, progress } = place;
  const { instance } = settings;
  const { plan } = adoption;
  const now = await readComposeProject(docker, settings);
  const remove = async (what: string, args: readonly string[], names: readonly string[]) => {
    if (names.length === 0) return;
    progress.step(`removing ${what} ${names.join(', ')}`);
    await docker.call([...args, ...names]);
  };
  const containers = now.containers.filter(({ id }) => plan.containers.some((planned) => planned.id === id));
  // Without --force: a running container is kept. Without --volumes: anonymous volumes may hold data.
  await remove(
    'containers',
    ['rm'],
    containers.map(({ name }) => name),
  );
  const networks = now.networks.map(({ name }) => name).filter((name) => plan.networks.includes(name));
  await remove('network', ['network', 'rm'], networks);
  const volumes = now.volumes.filter(
    ({ name, labels }) => plan.volumes.includes(name) && !(environmentLabel in labels),
  );
  await remove(
    'volumes whose names are needed:',
    ['volume', 'rm'],
    volumes.map(({ name }) => name),
  );
  progress.step('writing the markers');
  for (const { volume, to } of plan.data) {
    writeMarker(instance, volume, currentMarker(instance, to, imageMajorOf(volume)));
  }
  const done = { ...adoption, phase: 'done' } as const;
  writeAdoption(instance, done);
  return done;
}

async function keepInspected({ settings, docker }: AdoptionPlace, backupDir: string): Promise<void> {
  const { inspected } = await readComposeProject(docker, settings);
  writeWhole(join(backupDir, 'inspect.json'), `${JSON.stringify(inspected, undefined, 2)}\n`, 0o600);
}

/** The image of the helper containers; the next deploy needs it too. */
async function ensureImage({ docker, progress }: AdoptionPlace): Promise<string> {
  const image = upstreamImages.db;
  if ((await docker.inspect('image', [image])).length > 0) return image;
  progress.step(`pulling ${image}`);
  await docker.call(['pull', '--quiet', image], { timeoutMs: 'unlimited' });
  return image;
}

/** @throws UserError E_ADOPT_ROOM */
async function refuseWithoutRoom(settings: Settings, plan: AdoptionPlan, copier: DataCopier): Promise<void> {
  const needs = new Map<string, number>();
  const need = (dir: string, bytes: number) => needs.set(dir, (needs.get(dir) ?? 0) + bytes);
  const { dataDir, instance } = settings;
  const isOneDisk = statSync(dataDir).dev === statSync(instance.backupsDir).dev;
  for (const { from, isDockerManaged, isInPlace } of plan.data) {
    const bytes = await copier.size(from);
    if (!isInPlace) need(dataDir, bytes);
    if (isDockerManaged) need(isOneDisk ? dataDir : instance.backupsDir, bytes);
  }
  for (const [dir, bytes] of needs) {
    const lack = lackOfRoom(dir, bytes);
    if (lack === undefined) continue;
    throw new UserError(
      'E_ADOPT_ROOM',
      `${dir}: has too little space for the copies (${lack}); nothing was changed`,
      `Free some space, or set DATA_DIR in ${instance.envFile} to a directory on another disk.`,
    );
  }
}

/** `2026-11-23T15-04-05Z`: a time that is valid in a file name. */
const stamp = (time: Date) => `${time.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
