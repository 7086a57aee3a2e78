import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { resolveDockerHost } from '../../docker/host.ts';
import { UserError } from '../../host/errors.ts';
import type { Finding } from '../../host/finding.ts';
import { checkoutDir } from '../../host/git.ts';
import { run } from '../../host/process.ts';
import { askDaemon } from '../../preflight/daemon.ts';
import { type Instance, instanceOf, instancesRoot } from '../../settings/instance.ts';
import { loadSettings } from '../../settings/load.ts';
import { type Environment, environments } from '../../settings/services.ts';
import { bootKind, unitFile } from './boot-unit.ts';
import { jobEnvironment, parseJson, type RunnerFiles } from './runner-files.ts';

/** Who would run jobs, and where. */
export interface RunnerSubject {
  readonly files: RunnerFiles;
  /** The environment of whoever asks. */
  readonly environment: NodeJS.ProcessEnv;
  readonly user: { readonly name: string; readonly uid: number; readonly home: string };
  readonly platform: NodeJS.Platform;
}

/** What a self-hosted runner of this host has to do with. */
export interface RunnerReport {
  readonly directory: string;
  /** Name of the runner and what it is registered with; absent where it is not. */
  readonly runner?: { readonly agentName: string; readonly gitHubUrl: string };
  readonly user: string;
  /** As DOCKER_HOST takes it; resolved from the docker context where the job has none. */
  readonly dockerHost: string;
  readonly root: string;
  readonly instances: readonly Environment[];
  readonly findings: readonly Finding[];
}

/** Looks at all that docs/runner.md asks for, as a job of the runner would find it, and changes nothing. */
export async function checkRunner(subject: RunnerSubject): Promise<RunnerReport> {
  const { files, user, platform } = subject;
  const job = jobEnvironment(files, subject.environment);
  const root = instancesRoot(job, platform);
  const instances = environments.filter((env) => existsSync(instanceOf(env, root).envFile));
  const dockerHost = await resolveDockerHost(job);
  const daemon = await askDaemon(dockerHost);
  const findings = [
    ...userFindings(subject),
    ...registrationFindings(subject),
    ...(await serviceFindings(subject)),
    ...programFindings(subject, job),
    ...('code' in daemon ? [daemon] : []),
    ...credentialFindings(subject, job),
    ...rootFindings(subject, root, instances),
    ...instances.flatMap((env) => instanceFindings(subject, root, env)),
  ];
  return {
    directory: files.dir,
    ...(files.registration === undefined ? {} : { runner: files.registration }),
    user: user.name,
    dockerHost,
    root,
    instances,
    findings,
  };
}

const finding = (code: string, message: string, why: string, fix: string): Finding => ({
  code,
  severity: code.startsWith('E_') ? 'error' : 'warning',
  message,
  why,
  fix,
});

function userFindings({ user }: RunnerSubject): readonly Finding[] {
  if (user.uid !== 0) return [];
  return [
    finding(
      'W_RUNNER_IS_ROOT',
      `user: is root (got uid 0)`,
      'Then any mistake of a job is one of root; the runner itself refuses to be set up so.',
      'Set it up as an ordinary user: sudo useradd --create-home runner && sudo usermod -aG docker runner, then sudo -iu runner.',
    ),
  ];
}

function registrationFindings({ files, user, platform }: RunnerSubject): readonly Finding[] {
  const { dir, registration } = files;
  if (registration === undefined) {
    return [
      finding(
        'E_RUNNER_CONFIG',
        `${join(dir, '.runner')}: no runner is set up there (got no such file)`,
        'Jobs of this environment would wait for a runner for ever.',
        `Unpack it there as GitHub says (Settings, Actions, Runners, New), then in ${dir}: ./config.sh --url <repository> --token <token> --labels taxlien-gateway,<env>; or name its directory: ./gatewayctl runner check <dir>.`,
      ),
    ];
  }
  const owner = statSync(join(dir, '.runner')).uid;
  if (owner === user.uid) return [];
  const whose = platform === 'darwin' ? 'stat -f %Su' : 'stat -c %U';
  return [
    finding(
      'E_RUNNER_USER',
      `${dir}: is the runner of another user (got uid ${owner}, this is ${user.uid})`,
      'What is checked here is not what its jobs will find.',
      `Check it as that user: sudo -iu "$(${whose} ${join(dir, '.runner')})", then the same command.`,
    ),
  ];
}

async function serviceFindings({ files: { dir, registration, service }, user, platform }: RunnerSubject) {
  if (registration === undefined) return [];
  const isMac = platform === 'darwin';
  if (service === undefined) {
    return [
      finding(
        'W_RUNNER_SERVICE',
        `${join(dir, '.service')}: the runner is no service (got no such file)`,
        'It ends with the shell that started it, and does not come back after a reboot.',
        isMac
          ? `cd ${dir} && ./svc.sh install && ./svc.sh start`
          : `cd ${dir} && sudo ./svc.sh install ${user.name} && sudo ./svc.sh start`,
      ),
    ];
  }
  const ask = isMac ? ['launchctl', 'list', basename(service, '.plist')] : ['systemctl', 'is-active', service];
  const { exitCode, stdout, stderr } = await run(ask, { allowedExitCodes: 'any', timeoutMs: 10_000 }).catch(
    (error: unknown) => {
      if (error instanceof UserError) return { exitCode: 1, stdout: '', stderr: error.message };
      throw error;
    },
  );
  if (exitCode === 0) return [];
  const got = (stdout + stderr).trim().split('\n')[0];
  return [
    finding(
      'W_RUNNER_SERVICE_DOWN',
      `${service}: does not run (got ${got})`,
      'Jobs wait until it does.',
      isMac ? `cd ${dir} && ./svc.sh start` : `cd ${dir} && sudo ./svc.sh start`,
    ),
  ];
}

/** Programs that a step needs before `gatewayctl` brings the rest, with the packages that have them. */
const programs = {
  git: { apt: 'git', brew: 'git' },
  npm: { apt: 'npm', brew: 'node' },
  docker: { apt: 'docker-ce-cli', brew: '--cask docker' },
} as const;

function programFindings({ files, environment, platform }: RunnerSubject, job: NodeJS.ProcessEnv): readonly Finding[] {
  const place = files.path === undefined ? 'PATH' : join(files.dir, '.path');
  return Object.entries(programs)
    .filter(([program]) => findProgram(program, job.PATH) === undefined)
    .map(([program, { apt, brew }]) => {
      const here = findProgram(program, environment.PATH);
      const install = platform === 'darwin' ? `brew install ${brew}` : `sudo apt-get install ${apt}`;
      return finding(
        'E_RUNNER_PROGRAM',
        `${place}: has no ${program} (got ${job.PATH ?? ''})`,
        'Every job needs it, and a service does not have the PATH of your shell.',
        here === undefined
          ? `${install}, then check again.`
          : `printf '%s\\n' "$PATH" > ${join(files.dir, '.path')}, since this shell has it (${here}); then start the service anew.`,
      );
    });
}

function findProgram(name: string, path = ''): string | undefined {
  const isProgram = (file: string) => {
    try {
      accessSync(file, constants.X_OK);
      return statSync(file).isFile();
    } catch {
      return false;
    }
  };
  return path
    .split(delimiter)
    .filter((dir) => dir !== '')
    .map((dir) => join(dir, name))
    .find(isProgram);
}

function credentialFindings({ files, user }: RunnerSubject, job: NodeJS.ProcessEnv): readonly Finding[] {
  const file = join(job.DOCKER_CONFIG ?? join(user.home, '.docker'), 'config.json');
  if (!existsSync(file)) return [];
  const config = parseJson(file, readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>;
  const key = ['credsStore', 'credHelpers'].find((name) => config[name] !== undefined);
  if (key === undefined) return [];
  return [
    finding(
      'W_RUNNER_CREDENTIALS',
      `${file}: has a credential helper (got ${key} ${JSON.stringify(config[key])})`,
      'It asks a key chain that nobody unlocks for a service: pulling a public image fails.',
      `mkdir -p ${join(files.dir, 'docker-config')} && echo DOCKER_CONFIG=${join(files.dir, 'docker-config')} >> ${join(files.dir, '.env')}; then start the service anew.`,
    ),
  ];
}

function rootFindings({ user }: RunnerSubject, root: string, instances: readonly Environment[]): readonly Finding[] {
  try {
    accessSync(root, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    return [
      finding(
        'E_RUNNER_ROOT',
        `${root}: cannot be written by ${user.name} (got ${(error as NodeJS.ErrnoException).code})`,
        'Settings, state and data of the environments lie there.',
        `sudo install -d -o ${user.name} ${root}; or set TAXLIEN_GATEWAY_ROOT for the runner's jobs.`,
      ),
    ];
  }
  if (instances.length > 0) return [];
  return [
    finding(
      'W_RUNNER_NO_INSTANCE',
      `${root}: holds no instance (got none of ${environments.join(', ')})`,
      'A deploy stops for want of its settings.',
      './gatewayctl init <env> --bind-ip <the address of this environment>',
    ),
  ];
}

function instanceFindings({ user, platform }: RunnerSubject, root: string, env: Environment): readonly Finding[] {
  const instance = instanceOf(env, root);
  const { dir } = instance;
  const owner = statSync(dir).uid;
  if (owner !== user.uid) {
    return [
      finding(
        'E_RUNNER_INSTANCE',
        `${dir}: belongs to another user (got uid ${owner}, this is ${user.uid})`,
        'Jobs can read neither its settings nor its state.',
        `Set the runner up as its owner; or, for an instance that was never deployed: sudo chown -R ${user.name}: ${dir}`,
      ),
    ];
  }
  const project = readableProject(instance);
  if (project === undefined) return [];
  const kinds = platform === 'darwin' ? (['launchd'] as const) : (['system', bootKind(platform, user.uid)] as const);
  const units = kinds.map((kind) => unitFile(kind, project, user.home));
  if (units.some((file) => existsSync(file))) return [];
  return [
    finding(
      'W_RUNNER_BOOT',
      `${env}: has no unit for the time after a reboot (got no ${units.at(-1)})`,
      'Docker does not retry a container whose address was not there yet at boot.',
      `./gatewayctl boot install ${env}`,
    ),
  ];
}

/** `undefined` where the settings are wrong, which is the doctor's to tell. */
function readableProject(instance: Instance): string | undefined {
  try {
    return loadSettings(instance, checkoutDir).project;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
