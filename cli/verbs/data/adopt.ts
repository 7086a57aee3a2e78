import { findingText, UserError } from '../../../host/errors.ts';
import { checkoutDir } from '../../../host/git.ts';
import { note, print, table } from '../../../host/output.ts';
import { type Adoption, type AdoptionPlan, readAdoption } from '../../../instance/adoption-journal.ts';
import { withInstanceLock } from '../../../instance/lock.ts';
import { completeInstance } from '../../../instance/setup.ts';
import { refuseErrors } from '../../../preflight/checks.ts';
import { instanceOf, parseEnvironment } from '../../../settings/instance.ts';
import { loadSettings } from '../../../settings/load.ts';
import { copyProject, switchProject } from '../../data/adopt-steps.ts';
import { changesSince, isPastCopying, planProject } from '../../data/adoption-checks.ts';
import { readComposeProject } from '../../data/compose-project.ts';
import { chooseEngine, findEngine, startEngine } from '../../stack/engine.ts';
import type { Invocation, Verb } from '../verb.ts';

export const adopt: Verb = {
  usage: '<env> [--dry-run [--json]] [--sandbox] [--wait]',
  summary: 'take over a stopped Compose project with its data',
  details:
    'Of the project in COMPOSE_PROJECT_NAME: makes a backup, copies the data to DATA_DIR, compares every byte, then removes the containers and network that the next up replaces. After a kill, run it again.',
  options: {
    'dry-run': { type: 'boolean' },
    json: { type: 'boolean' },
    sandbox: { type: 'boolean' },
    wait: { type: 'boolean' },
  },
  optionHelp: { 'dry-run': 'print the plan, change nothing', json: 'print the plan as JSON' },
  words: [1, 1],
  run: (invocation) => (invocation.options['dry-run'] === true ? showPlan(invocation) : takeOver(invocation)),
};

async function showPlan({ words, options }: Invocation): Promise<number> {
  const env = parseEnvironment(words[0]);
  const { root, docker } = await findEngine(env);
  const settings = loadSettings(instanceOf(env, root), checkoutDir);
  const open = readAdoption(settings.instance);
  const { plan, findings } = isPastCopying(open)
    ? { plan: open.plan, findings: [] }
    : await planProject(settings, docker);
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (options.json === true) print(JSON.stringify({ phase: open?.phase ?? 'planned', plan, findings }));
  else {
    print(planTable(plan));
    for (const finding of findings) print(findingText(finding));
    if (open?.phase === 'done') print(`${env}: is adopted; run ./gatewayctl up ${env}`);
    else
      print(errors.length === 0 ? `to do this: ./gatewayctl adopt ${env}` : 'adopt would refuse: fix the errors above');
  }
  return errors.length === 0 ? 0 : 1;
}

async function takeOver({ words, options, progress }: Invocation): Promise<number> {
  const env = parseEnvironment(words[0]);
  if (options.json === true) {
    throw new UserError('E_USAGE', 'gatewayctl adopt: --json requires --dry-run', `Add --dry-run.`);
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
      const { plan, findings } = await planProject(settings, engine.docker);
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
    'Once all services are healthy and you no longer need the old data:',
    ...remove(
      'docker volume rm',
      volumes.map(({ source }) => source),
    ),
    ...remove('sudo rm -r', [...directories.map(({ source }) => source), backupDir]),
  ].join('\n');
}
