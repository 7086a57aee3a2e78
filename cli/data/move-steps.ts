import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DockerClient } from '../../docker/client.ts';
import { dataPath } from '../../docker/data-volume.ts';
import { containerName, environmentLabel, imageTag, volumeName } from '../../docker/names.ts';
import { UserError } from '../../host/errors.ts';
import { readSource } from '../../host/git.ts';
import { note, type Progress } from '../../host/output.ts';
import { currentMarker, readMarker, writeMarker } from '../../instance/data-markers.ts';
import { putEnvValue } from '../../instance/env-edit.ts';
import { endMove, writeMove } from '../../instance/move-journal.ts';
import { preflightWarnings } from '../../preflight/checks.ts';
import type { Settings } from '../../settings/load.ts';
import { type DataVolumeName, dataVolumes, type ServiceName } from '../../settings/services.ts';
import { createVolume } from '../stack/lost-volumes.ts';
import type { Stack } from '../stack/stack.ts';
import { DataCopier, type Tree } from './data-copy.ts';
import { refuseTarget } from './move-target.ts';

/** A service stops before those that it uses. */
const stopOrder: readonly ServiceName[] = ['gateway', 'grafana', 'prometheus', 'redis', 'db'];

/** Stops the services and copies all data; if that fails, starts them again on the old data. */
export async function copyAll(stack: Stack, settings: Settings, to: string, progress: Progress): Promise<void> {
  const { instance, engine, checkoutDir } = stack;
  await preflightWarnings({ settings, source: await readSource(checkoutDir), docker: engine.docker });
  const volumes = dataVolumes.filter((volume) => readMarker(instance, volume) !== undefined);
  const copier = new DataCopier(settings, engine.docker, imageTag(settings, 'db'));
  const treeOf = (volume: DataVolumeName): Tree => ({ type: 'bind', source: dataPath(settings, volume) });
  await refuseTarget(settings, to, () => sizeOf(copier, volumes.map(treeOf)));
  writeMove(instance, { from: settings.dataDir, to, phase: 'copying' });
  mkdirSync(to, { recursive: true, mode: 0o755 });
  const stopped: string[] = [];
  try {
    for (const name of await runningServices(settings, engine.docker)) {
      progress.step(`stopping ${name}`);
      // Before it stops: a stop that timed out may still succeed.
      stopped.unshift(name);
      // The database may take two minutes to flush its data.
      await engine.docker.call(['stop', name], { timeoutMs: 180_000 });
    }
    for (const volume of volumes) {
      progress.step(`copying ${volume}`);
      const { files } = await copier.copy(treeOf(volume), { type: 'bind', source: to }, volume);
      progress.done(`${volume}: copied and compared, ${files} files`);
    }
  } catch (error) {
    if (stopped.length > 0) await startAgain(settings, engine.docker, stopped);
    throw error;
  }
  writeMove(instance, { from: settings.dataDir, to, phase: 'switching' });
}

async function sizeOf(copier: DataCopier, trees: readonly Tree[]): Promise<number> {
  let sum = 0;
  for (const tree of trees) sum += await copier.size(tree);
  return sum;
}

/** The names of the containers that run, in `stopOrder`. */
async function runningServices(settings: Settings, docker: DockerClient): Promise<readonly string[]> {
  const states = ['running', 'restarting', 'paused'].map((state) => `status=${state}`);
  const running = await docker.ps([`label=${environmentLabel}=${settings.env}`, ...states], '{{.Names}}');
  return stopOrder.map((service) => containerName(settings, service)).filter((name) => running.includes(name));
}

/** Starts the services on the old data. A failure is reported, since the caller's error is the cause. */
async function startAgain(settings: Settings, docker: DockerClient, names: readonly string[]): Promise<void> {
  try {
    await docker.call(['start', ...names], { timeoutMs: 180_000 });
    note(`${settings.env} runs on ${settings.dataDir} as before`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    note(`${error.text}\nRun ./gatewayctl up ${settings.env}: it starts the services on ${settings.dataDir}.`);
  }
}

/** Switches the instance to the copy. Idempotent: after a kill, the next run finishes it. */
export async function switchTo(
  { instance, engine: { docker } }: Stack,
  settings: Settings,
  to: string,
  progress: Progress,
): Promise<void> {
  const ours = `label=${environmentLabel}=${settings.env}`;
  progress.step('removing the stopped containers');
  const owned = stopOrder.map((service) => containerName(settings, service));
  const containers = (await docker.ps([ours], '{{.Names}}')).filter((name) => owned.includes(name));
  if (containers.length > 0) await docker.call(['rm', ...containers]);
  progress.step('creating the volumes again on the new directory; the data in the old one stays');
  const names = dataVolumes.map((volume) => volumeName(settings, volume));
  const listed = await docker.lines(['volume', 'ls', '--filter', ours, '--format', '{{.Name}}']);
  const volumes = listed.filter((name) => names.includes(name));
  if (volumes.length > 0) await docker.call(['volume', 'rm', ...volumes]);
  for (const volume of dataVolumes) await createVolume(docker, { ...settings, dataDir: to }, volume);
  progress.step(`setting DATA_DIR=${to}`);
  putEnvValue(instance.envFile, 'DATA_DIR', to);
  progress.step('writing the markers');
  for (const volume of dataVolumes) {
    const marker = readMarker(instance, volume);
    if (marker === undefined) continue;
    writeMarker(instance, volume, currentMarker(instance, join(to, volume), marker.imageMajor));
  }
  endMove(instance);
}
