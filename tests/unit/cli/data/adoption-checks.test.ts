import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { changesSince, isPastCopying, planProject } from '../../../../cli/data/adoption-checks.ts';
import type { ComposeContainer } from '../../../../cli/data/compose-project.ts';
import type { Adoption } from '../../../../instance/adoption-journal.ts';
import { currentMarker, writeMarker } from '../../../../instance/data-markers.ts';
import { FakeDocker } from '../../../helpers/fake-docker.ts';
import { testSettings } from '../../../helpers/instance.ts';
import { refusal } from '../../../helpers/refusal.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

const project = 'taxlien-gateway-dev';

const adoption = (phase: Adoption['phase']): Adoption => ({
  phase,
  backupDir: '/backups/adopt-1',
  plan: {
    env: 'dev',
    project,
    data: [],
    containers: [{ id: 'id-db', name: `${project}-db-1`, finishedAt: '2026-11-23T12:00:00Z' }],
    networks: [],
    volumes: [],
    kept: { containers: ['proxy'], volumes: [] },
  },
});

const db: ComposeContainer = {
  id: 'id-db',
  name: `${project}-db-1`,
  service: 'db',
  isOneOff: false,
  status: 'exited',
  finishedAt: '2026-11-23T12:00:00Z',
  image: 'postgres:16',
  environment: {},
  command: [],
  mounts: [],
};

const changes = (...containers: ComposeContainer[]) =>
  changesSince(adoption('switching'), { containers, networks: [], volumes: [], inspected: {} });

test('containers that are as they were, are gone, or are kept are no change', () => {
  expect(changes(db, { ...db, id: 'id-proxy', name: 'proxy', status: 'running' })).toEqual([]);
  expect(changes()).toEqual([]);
});

test.each([
  ['runs', { status: 'running' }, 'running'],
  ['ran in between', { finishedAt: '2026-11-23T13:00:00Z' }, 'exited'],
  ['was created again', { id: 'id-new', status: 'created' }, 'created'],
])('a container that %s since the copy is a change', (_, change, status) => {
  expect(changes({ ...db, ...change })).toEqual([
    {
      code: 'E_ADOPT_CHANGED',
      severity: 'error',
      message: `container ${project}-db-1: was created or started after the data was copied (got ${status})`,
      why: 'What it wrote is neither in /backups/adopt-1 nor in DATA_DIR.',
      fix: `To continue with the copies: docker compose -p ${project} down, then ./gatewayctl adopt dev`,
    },
  ]);
});

test('an adoption is past copying once its copies are complete', () => {
  expect([undefined, adoption('copying'), adoption('switching'), adoption('done')].map(isPastCopying)).toEqual([
    false,
    false,
    true,
    true,
  ]);
});

/** A daemon that has only these volumes, without a container. */
const daemonWith = (volumes: readonly string[]) =>
  new FakeDocker(([kind, verb]) => {
    if (kind === 'version') return { stdout: 'linux amd64 1.52 1.24' };
    if (kind === 'info') return { stdout: '{"SecurityOptions":null}' };
    if (kind === 'volume' && verb === 'ls') return { stdout: volumes.join('\n') };
    if (kind === 'volume') {
      const Labels = { 'com.docker.compose.project': project };
      return { stdout: JSON.stringify(volumes.map((Name) => ({ Name, Labels, Options: null }))) };
    }
    return { stdout: '' };
  });

test.each([
  [[`${project}_pg`, `${project}_cache`], `${project}_pg, ${project}_cache`],
  [[], 'none'],
])('a project without containers is refused with its volumes %j', async (volumes, got) => {
  expect(await refusal(planProject(testSettings(), daemonWith(volumes)))).toBe(
    `E_ADOPT_NOTHING docker at unix:///fake.sock: has no container of a Compose project ${project}; only they show what its volumes hold (got volumes: ${got}). In the directory of the Compose file: docker compose -p ${project} up --no-start; or, if there is nothing to adopt: ./gatewayctl up dev`,
  );
});

test('an instance that has data is refused before the daemon is asked', async () => {
  const root = temporaryDir();
  const settings = testSettings({ root });
  writeFiles(root, { 'dev/instance-id': 'the-id\n' });
  for (const volume of ['redis', 'postgres']) {
    const dir = join(settings.dataDir, volume);
    mkdirSync(dir, { recursive: true });
    writeMarker(settings.instance, volume, currentMarker(settings.instance, dir, ''));
  }
  const docker = daemonWith([]);
  expect(await refusal(planProject(settings, docker))).toBe(
    `E_ADOPT_DEPLOYED ${settings.instance.dir}: must not have data yet (got postgres, redis); nothing was changed. Run ./gatewayctl doctor dev; to remove a Compose project of the same name without its volumes: docker compose -p ${project} down`,
  );
  expect(docker.calls).toEqual([]);
});

test('a daemon that does not answer is the refusal', async () => {
  const docker = new FakeDocker(() => ({ exitCode: 1, stderr: 'Cannot connect' }));
  expect(await refusal(planProject(testSettings(), docker))).toMatch(/^E_DAEMON .*\(got Cannot connect\)/);
});
