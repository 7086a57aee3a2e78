import { existsSync, readdirSync } from 'node:fs';
import type { DockerClient } from '../../../docker/client.ts';
import { UserError } from '../../../host/errors.ts';
import { type Finding, findingText } from '../../../host/finding.ts';
import { checkoutDir, readSource } from '../../../host/git.ts';
import { note, print, table } from '../../../host/output.ts';
import { type Adoption, type AdoptionPlan, readAdoption } from '../../../instance/adoption-journal.ts';
import { readMarker } from '../../../instance/data-markers.ts';
import { withInstanceLock } from '../../../instance/lock.ts';
import { completeInstance } from '../../../instance/setup.ts';
import { findAll, refuseErrors } from '../../../preflight/checks.ts';
import { instanceOf, parseEnvironment } from '../../../settings/instance.ts';
import { loadSettings, type Settings } from '../../../settings/load.ts';
import { dataVolumes } from '../../../settings/services.ts';
import { copyProject, switchProject } from '../../data/adopt-steps.ts';
import { dataTarget, isStopped, type PlannedAdoption, planAdoption, stackServiceOf } from '../../data/adoption-plan.ts';
import {
  type ComposeContainer,
  type ComposeProject,
  factsOf,
  readComposeProject,
  readDatabaseVersion,
} from '../../data/compose-project.ts';
import { chooseEngine, findEngine, startEngine } from '../../stack/engine.ts';
import type { Invocation, Verb } from '../verb.ts';

export const adopt: Verb = {
  usage: '<env> [--dry-run [--json]] [--sandbox] [--wait]',
  summary: 'take over a stopped Compose project with its data',
  details:
    'Of the project that COMPOSE_PROJECT_NAME names: keeps a copy, brings the data to DATA_DIR, compares every byte, then removes the containers and network whose place the next up takes. --dry-run shows the plan and changes nothing. After a kill, run it again.',
  options: {
    'dry-run': { type: 'boolean' },
    json: { type: 'boolean' },
    sandbox: { type: 'boolean' },
    wait: { type: 'boolean' },
  },
  words: [1, 1],
  run: (invocation) => (invocation.options['dry-run'] === true ? showPlan(invocation) : takeOver(invocation)),
};

async function showPlan({ words, options }: Invocation): Promise<number> {
  const env = parseEnvironment(words[0]);
  const { root, docker } = await findEngine(env);
  const settings = loadSettings(instanceOf(env, root), checkoutDir);
  const open = readAdoption(settings.instance);
  const { plan, findings } = isPastCopying(open) ? { plan: open.plan, findings: [] } : await makePlan(settings, docker);
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (options.json === true) print(JSON.stringify({ phase: open?.phase ?? 'planned', plan, findings }));
  else {
    print(planTable(plan));
    for (const finding of findings) print(findingText(finding));
    if (open?.phase === 'done') print(`${env}: was adopted; nothing is left to do but ./gatewayctl up ${env}`);
    else print(errors.length === 0 ? `to do this: ./gatewayctl adopt ${env}` : 'adopt would change nothing');
  }
  return errors.length === 0 ? 0 : 1;
}

async function takeOver({ words, options, progress }: Invocation): Promise<number> {
  const env = parseEnvironment(words[0]);
  if (options.json === true) {
    throw new UserError('E_USAGE', 'gatewayctl adopt: --json shows a plan', `Add --dry-run.`);
  }
  const engine = await chooseEngine(env, options.sandbox === true);
  const instance = instanceOf(env, engine.root);
  const settings = loadSettings(instance, checkoutDir);
  const lock = { what: `adopt ${env}`, progress, isWaiting: options.wait === true };
  return withInstanceLock(instance, lock, async () => {
    await startEngine(engine, progress);
    completeInstance(instance);
    const target = { settings, docker: engine.docker, progress };
    let adoption = readAdoption(instance);
    if (!isPastCopying(adoption)) {
      const { plan, findings } = await makePlan(settings, engine.docker);
      for (const finding of findings.filter(({ severity }) => severity === 'warning')) note(findingText(finding));
      refuseErrors(findings);
      adoption = await copyProject(target, plan);
    }
    refuseErrors(changesSince(adoption, await readComposeProject(engine.docker, settings)));
    if (adoption.phase === 'switching') adoption = await switchProject(target, adoption);
    print(endTable(adoption));
    return 0;
  });
}

const isPastCopying = (adoption: Adoption | undefined): adoption is Adoption =>
  adoption !== undefined && adoption.phase !== 'copying';

/** @throws UserError E_ADOPT_DEPLOYED, E_ADOPT_NOTHING */
async function makePlan(settings: Settings, docker: DockerClient): Promise<PlannedAdoption> {
  const { instance, env } = settings;
  const deployed = dataVolumes.filter((volume) => readMarker(instance, volume) !== undefined);
  if (deployed.length > 0) {
    throw new UserError(
      'E_ADOPT_DEPLOYED',
      `${instance.dir}: has data of its own (got ${deployed.join(', ')}); nothing was changed`,
      `Run ./gatewayctl doctor ${env}; a Compose project of the same name can be removed, but for its volumes: docker compose -p ${settings.project} down`,
    );
  }
  const facts = await factsOf(docker);
  const project = await readComposeProject(docker, settings, facts);
  if (project.containers.length === 0) {
    throw new UserError(
      'E_ADOPT_NOTHING',
      `docker at ${docker.host}: has no container of a Compose project ${settings.project}, and they tell what its volumes hold (got volumes: ${project.volumes.map(({ name }) => name).join(', ') || 'none'})`,
      `Where the Compose file is: docker compose -p ${settings.project} up --no-start; or nothing is to be adopted: ./gatewayctl up ${env}`,
    );
  }
  const copied = readAdoption(instance)?.plan.data.map(({ to }) => to) ?? [];
  const db = project.containers.find((each) => !each.isOneOff && stackServiceOf(each) === 'db');
  const database = db && (await readDatabaseVersion(docker, db, dataTarget('db', db)));
  const isTaken = (dir: string) => !copied.includes(dir) && holdsSomething(dir);
  const planned = planAdoption({ settings, facts, project, database, isTaken });
  // While it runs it holds the ports too, and would be told of twice.
  if (planned.findings.some(({ code }) => code === 'E_ADOPT_RUNNING')) return planned;
  return { ...planned, findings: [...planned.findings, ...(await otherFindings(settings, docker, planned.plan))] };
}

/** Errors that would stop the next deploy too, but for the names that the adoption itself makes free. */
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

/** Whatever ran between two runs may have written what the copies lack. */
function changesSince({ plan, backupDir }: Adoption, { containers }: ComposeProject): readonly Finding[] {
  const isAsItWas = ({ id, finishedAt }: ComposeContainer) =>
    plan.containers.some((known) => known.id === id && known.finishedAt === finishedAt);
  return containers
    .filter(({ name }) => !plan.kept.containers.includes(name))
    .filter((container) => !isStopped(container) || !isAsItWas(container))
    .map(({ name, status }) => ({
      code: 'E_ADOPT_CHANGED',
      severity: 'error',
      message: `container ${name}: was made or started after the copies were (got ${status})`,
      why: `What it wrote is not in ${backupDir} nor in DATA_DIR.`,
      fix: `To go on with the copies: docker compose -p ${plan.project} down, then ./gatewayctl adopt ${plan.env}`,
    }));
}

function planTable({ project, data, containers, networks, volumes, kept }: AdoptionPlan): string {
  const rows = (verb: string, kind: string, names: readonly string[]) => names.map((name) => [verb, kind, name]);
  return table([
    ['STEP', 'WHAT', `OF PROJECT ${project}`],
    ...data.flatMap(({ volume, from, isDockerManaged, isInPlace, to }) => [
      ...(isDockerManaged ? [['back up', volume, `${from.type} ${from.source}`]] : []),
      isInPlace ? ['keep in place', volume, to] : ['copy', volume, `${from.type} ${from.source} to ${to}`],
    ]),
    ...rows(
      'remove',
      'container',
      containers.map(({ name }) => name),
    ),
    ...rows('remove', 'network', networks),
    ...rows('remove once copied', 'volume', volumes),
    ...rows('leave', 'container', kept.containers),
    ...rows('leave', 'volume', kept.volumes),
  ]);
}

function endTable({ plan, backupDir }: Adoption): string {
  const old = plan.data.filter(({ isInPlace }) => !isInPlace).map(({ from }) => from);
  const volumes = old.filter(({ type, source }) => type === 'volume' && !plan.volumes.includes(source));
  const directories = old.filter(({ type }) => type === 'bind');
  const remove = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`  ${what} ${names.join(' ')}`];
  return [
    `adopted: the data of ${plan.project}. Deploy on it: ./gatewayctl up ${plan.env}`,
    'When all is well and you need the old data no more:',
    ...remove(
      'docker volume rm',
      volumes.map(({ source }) => source),
    ),
    ...remove('sudo rm -r', [...directories.map(({ source }) => source), backupDir]),
  ].join('\n');
}
