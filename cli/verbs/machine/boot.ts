import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { UserError } from '../../../host/errors.ts';
import { checkoutDir } from '../../../host/git.ts';
import { type Progress, print } from '../../../host/output.ts';
import { run } from '../../../host/process.ts';
import { withInstanceLock } from '../../../instance/lock.ts';
import { instanceOf, parseEnvironment } from '../../../settings/instance.ts';
import { loadSettings, type Settings } from '../../../settings/load.ts';
import { type Engine, findEngine, startEngine } from '../../stack/engine.ts';
import { bootEnvironment } from '../../unattended/boot-environment.ts';
import { startFailed, waitForDaemon } from '../../unattended/boot-start.ts';
import { type BootKind, bootKind, unitFile, unitText } from '../../unattended/boot-unit.ts';
import type { Verb } from '../verb.ts';

const usage = 'install|remove|status|start <env> [--print]';

/** What all the words of the verb work on. */
interface Place {
  readonly engine: Engine;
  readonly settings: Settings;
  readonly kind: BootKind;
  readonly file: string;
}

export const boot: Verb = {
  usage,
  summary: 'after a reboot, start what Docker could not bind',
  details:
    'install adds a systemd unit (of the system for root, else of the user, who lingers) or on macOS a LaunchAgent, which runs boot start; with --print it only shows it. start waits for the daemon, for BIND_IP and for the data, at most ten minutes each, and starts only containers of this instance whose start failed.',
  options: { print: { type: 'boolean' } },
  words: [2, 2],
  async run({ words: [action, name], options, progress }) {
    const env = parseEnvironment(name);
    const engine = await findEngine(env);
    const settings = loadSettings(instanceOf(env, engine.root), checkoutDir);
    const kind = bootKind(process.platform, process.getuid?.());
    const place = { engine, settings, kind, file: unitFile(kind, settings.project) };
    switch (action) {
      case 'install':
        return options.print === true ? show(place) : install(place);
      case 'remove':
        return remove(place);
      case 'status':
        return status(place);
      case 'start':
        return start(place, progress);
      default:
        throw new UserError('E_USAGE', `boot: no such command (got ${action})`, `Usage: ./gatewayctl boot ${usage}`);
    }
  },
};

function wantedText({ engine, settings, kind }: Place): string {
  const { env, instance, project, dataDir } = settings;
  return unitText(kind, {
    project,
    env,
    program: join(checkoutDir, 'gatewayctl'),
    environment: bootEnvironment({
      home: homedir(),
      nodeDir: dirname(process.execPath),
      root: engine.root,
      dockerHost: engine.kind === 'daemon' ? engine.docker.host : undefined,
    }),
    directories: [...new Set([instance.dir, dataDir])],
    logFile: join(instance.logsDir, 'boot.log'),
  });
}

function show(place: Place): number {
  print(wantedText(place).trimEnd());
  return 0;
}

async function install(place: Place): Promise<number> {
  const { kind, file, settings } = place;
  assertManager(kind, settings);
  mkdirSync(dirname(file), { recursive: true });
  if (kind === 'launchd') await run(launchctl('bootout', settings), { allowedExitCodes: 'any' });
  writeFileSync(file, wantedText(place), { mode: 0o644 });
  if (kind === 'launchd') {
    await run(['launchctl', 'bootstrap', `gui/${process.getuid?.()}`, file]);
  } else {
    // First: it brings up the user's own systemd, which the others speak to.
    if (kind === 'user') await run(['loginctl', 'enable-linger', userInfo().username]);
    await run(systemctl(kind, 'daemon-reload'));
    await run(systemctl(kind, 'enable', `${settings.project}.service`));
  }
  print(
    `installed ${file}: it runs ${join(checkoutDir, 'gatewayctl')} boot start ${settings.env}; this checkout must stay`,
  );
  return 0;
}

async function remove({ kind, file, settings }: Place): Promise<number> {
  if (!existsSync(file)) {
    print(`${file}: is not installed`);
    return 0;
  }
  if (kind === 'launchd') await run(launchctl('bootout', settings), { allowedExitCodes: 'any' });
  else await run(systemctl(kind, 'disable', `${settings.project}.service`));
  rmSync(file);
  if (kind !== 'launchd') await run(systemctl(kind, 'daemon-reload'));
  print(`removed ${file}${kind === 'user' ? '; the user still lingers (loginctl disable-linger)' : ''}`);
  return 0;
}

function status(place: Place): number {
  const { file, settings } = place;
  const again = `./gatewayctl boot install ${settings.env}`;
  if (!existsSync(file)) print(`${file}: is not installed (${again})`);
  else if (readFileSync(file, 'utf8') !== wantedText(place))
    print(`${file}: is for another checkout or setting (${again})`);
  else {
    print(`${file}: is installed`);
    return 0;
  }
  return 1;
}

async function start({ engine, settings }: Place, progress: Progress): Promise<number> {
  await startEngine(engine, progress);
  await waitForDaemon(engine.docker, progress);
  const what = { what: `boot start ${settings.env}`, progress, isWaiting: true };
  const lines = await withInstanceLock(settings.instance, what, () => startFailed(engine.docker, settings, progress));
  for (const line of lines) print(line);
  return 0;
}

const systemctl = (kind: BootKind, ...args: readonly string[]) => [
  'systemctl',
  ...(kind === 'user' ? ['--user'] : []),
  ...args,
];

const launchctl = (command: string, { project }: Settings) => [
  'launchctl',
  command,
  `gui/${process.getuid?.()}/${project}`,
];

function assertManager(kind: BootKind, { env }: Settings): void {
  if (kind === 'launchd' || existsSync('/run/systemd/system')) return;
  throw new UserError(
    'E_NO_SYSTEMD',
    'boot install: no systemd runs here (got no /run/systemd/system), nothing was changed',
    `Let what starts this host's services run at boot, as this user: ${join(checkoutDir, 'gatewayctl')} boot start ${env}`,
  );
}
