import { existsSync, readFileSync } from 'node:fs';
import { UserError } from '../../../host/errors.ts';
import { checkoutDir } from '../../../host/git.ts';
import { type Progress, print } from '../../../host/output.ts';
import { withInstanceLock } from '../../../instance/lock.ts';
import { instanceOf, parseEnvironment } from '../../../settings/instance.ts';
import { loadSettings } from '../../../settings/load.ts';
import { findEngine, startEngine } from '../../stack/engine.ts';
import { type BootPlace, installUnit, removeUnit, wantedText } from '../../unattended/boot-install.ts';
import { startFailed, waitForDaemon } from '../../unattended/boot-start.ts';
import { bootKind, unitFile } from '../../unattended/boot-unit.ts';
import type { Verb } from '../verb.ts';

const usage = 'install|remove|status|start <env> [--print]';

export const boot: Verb = {
  usage,
  summary: 'after a reboot, start what Docker could not bind',
  details:
    'install adds a systemd unit (a system unit for root, else a user unit with lingering) or on macOS a LaunchAgent that runs boot start. start waits for the daemon, for BIND_IP and for the data, at most ten minutes each, and starts only containers of this instance whose start failed.',
  options: { print: { type: 'boolean' } },
  optionHelp: { print: 'install: only print the unit' },
  words: [2, 2],
  async run({ words: [action, name], options, progress }) {
    const env = parseEnvironment(name);
    const engine = await findEngine(env);
    const settings = loadSettings(instanceOf(env, engine.root), checkoutDir);
    const kind = bootKind(process.platform, process.getuid?.());
    const place = { engine, settings, kind, file: unitFile(kind, settings.project) };
    switch (action) {
      case 'install':
        print(options.print === true ? wantedText(place).trimEnd() : await installUnit(place));
        return 0;
      case 'remove':
        print(await removeUnit(place));
        return 0;
      case 'status':
        return status(place);
      case 'start':
        return start(place, progress);
      default:
        throw new UserError('E_USAGE', `boot: no such command (got ${action})`, `Usage: ./gatewayctl boot ${usage}`);
    }
  },
};

function status(place: BootPlace): number {
  const { file, settings } = place;
  const again = `./gatewayctl boot install ${settings.env}`;
  if (!existsSync(file)) print(`${file}: is not installed (${again})`);
  else if (readFileSync(file, 'utf8') !== wantedText(place))
    print(`${file}: was installed for another checkout or other settings (${again})`);
  else {
    print(`${file}: is installed`);
    return 0;
  }
  return 1;
}

async function start({ engine, settings }: BootPlace, progress: Progress): Promise<number> {
  await startEngine(engine, progress);
  await waitForDaemon(engine.docker, progress);
  const what = { what: `boot start ${settings.env}`, progress, isWaiting: true };
  const lines = await withInstanceLock(settings.instance, what, () => startFailed(engine.docker, settings, progress));
  for (const line of lines) print(line);
  return 0;
}
