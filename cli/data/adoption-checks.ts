import { existsSync, readdirSync } from 'node:fs';
import type { DockerClient } from '../../docker/client.ts';
import type { Finding } from '../../host/errors.ts';
import { UserError } from '../../host/errors.ts';
import { checkoutDir, readSource } from '../../host/git.ts';
import { type Adoption, type AdoptionPlan, readAdoption } from '../../instance/adoption-journal.ts';
import { readMarker } from '../../instance/data-markers.ts';
import { findAll } from '../../preflight/checks.ts';
import type { Settings } from '../../settings/load.ts';
import { dataVolumes } from '../../settings/services.ts';
import { dataTarget, isStopped, type PlannedAdoption, planAdoption, stackServiceOf } from './adoption-plan.ts';
import {
  type ComposeContainer,
  type ComposeProject,
  factsOf,
  readComposeProject,
  readDatabaseVersion,
} from './compose-project.ts';

/** Whether an adoption has begun and its copies are complete. */
export const isPastCopying = (adoption: Adoption | undefined): adoption is Adoption =>
  adoption !== undefined && adoption.phase !== 'copying';

/** @throws UserError E_ADOPT_DEPLOYED, E_ADOPT_NOTHING */
export async function planProject(settings: Settings, docker: DockerClient): Promise<PlannedAdoption> {
  const { instance, env } = settings;
  const deployed = dataVolumes.filter((volume) => readMarker(instance, volume) !== undefined);
  if (deployed.length > 0) {
    throw new UserError(
      'E_ADOPT_DEPLOYED',
      `${instance.dir}: must not have data yet (got ${deployed.join(', ')}); nothing was changed`,
      `Run ./gatewayctl doctor ${env}; to remove a Compose project of the same name without its volumes: docker compose -p ${settings.project} down`,
    );
  }
  const facts = await factsOf(docker);
  const project = await readComposeProject(docker, settings, facts);
  if (project.containers.length === 0) {
    throw new UserError(
      'E_ADOPT_NOTHING',
      `docker at ${docker.host}: has no container of a Compose project ${settings.project}; only they show what its volumes hold (got volumes: ${project.volumes.map(({ name }) => name).join(', ') || 'none'})`,
      `In the directory of the Compose file: docker compose -p ${settings.project} up --no-start; or, if there is nothing to adopt: ./gatewayctl up ${env}`,
    );
  }
  const copied = readAdoption(instance)?.plan.data.map(({ to }) => to) ?? [];
  const db = project.containers.find((each) => !each.isOneOff && stackServiceOf(each) === 'db');
  const database = db && (await readDatabaseVersion(docker, db, dataTarget('db', db)));
  const isTaken = (dir: string) => !copied.includes(dir) && holdsSomething(dir);
  const planned = planAdoption({ settings, facts, project, database, isTaken });
  // A running project also holds the ports and would be reported twice.
  if (planned.findings.some(({ code }) => code === 'E_ADOPT_RUNNING')) return planned;
  return { ...planned, findings: [...planned.findings, ...(await otherFindings(settings, docker, planned.plan))] };
}

/** Errors that would stop the next deploy too, except names that the adoption itself frees. */
async function otherFindings(
  settings: Settings,
  docker: DockerClient,
  plan: AdoptionPlan,
): Promise<readonly Finding[]> {
  const freed = [...plan.containers.map(({ name }) => name), ...plan.networks, ...plan.volumes];
  const isFreed = ({ code, message }: Finding) =>
    code === 'E_ADOPT_OPEN' || (code === 'E_NAME_TAKEN' && freed.some((name) => message.includes(` ${name}: `)));
  const findings = await findAll({ settings, source: await readSource(checkoutDir), docker });
  return findings.filter((finding) => finding.severity === 'error' && !isFreed(finding));
}

function holdsSomething(dir: string): boolean {
  if (!existsSync(dir)) return false;
  try {
    return readdirSync(dir).length > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
    return true;
  }
}

/** A container that ran between two runs may have written data that the copies lack. */
export function changesSince({ plan, backupDir }: Adoption, { containers }: ComposeProject): readonly Finding[] {
  const isAsItWas = ({ id, finishedAt }: ComposeContainer) =>
    plan.containers.some((known) => known.id === id && known.finishedAt === finishedAt);
  return containers
    .filter(({ name }) => !plan.kept.containers.includes(name))
    .filter((container) => !isStopped(container) || !isAsItWas(container))
    .map(({ name, status }) => ({
      code: 'E_ADOPT_CHANGED',
      severity: 'error',
      message: `container ${name}: was created or started after the data was copied (got ${status})`,
      why: `What it wrote is neither in ${backupDir} nor in DATA_DIR.`,
      fix: `To continue with the copies: docker compose -p ${plan.project} down, then ./gatewayctl adopt ${plan.env}`,
    }));
}
