import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { UserError } from '../../host/errors.ts';
import { checkoutDir } from '../../host/git.ts';
import { run } from '../../host/process.ts';
import type { Settings } from '../../settings/load.ts';
import type { Engine } from '../stack/engine.ts';
import { bootEnvironment } from './boot-environment.ts';
import { type BootKind, unitText } from './boot-unit.ts';

/** The boot unit of one instance, and its file. */
export interface BootPlace {
  readonly engine: Engine;
  readonly settings: Settings;
  readonly kind: BootKind;
  readonly file: string;
}

/** The text of the unit for the current instance and checkout. */
export function wantedText({ engine, settings, kind }: BootPlace): string {
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

/** Writes the unit and enables it. @returns one line for the user; @throws UserError E_NO_SYSTEMD */
export async function installUnit(place: BootPlace): Promise<string> {
  const { kind, file, settings } = place;
  assertManager(kind, settings);
  mkdirSync(dirname(file), { recursive: true });
  if (kind === 'launchd') await run(launchctl('bootout', settings), { allowedExitCodes: 'any' });
  writeFileSync(file, wantedText(place), { mode: 0o644 });
  if (kind === 'launchd') {
    await run(['launchctl', 'bootstrap', `gui/${process.getuid?.()}`, file]);
  } else {
    // First: it starts the user's own systemd, which the other commands use.
    if (kind === 'user') await run(['loginctl', 'enable-linger', userInfo().username]);
    await run(systemctl(kind, 'daemon-reload'));
    await run(systemctl(kind, 'enable', `${settings.project}.service`));
  }
  return `installed ${file}: it runs ${join(checkoutDir, 'gatewayctl')} boot start ${settings.env}; keep this checkout`;
}

/** Disables the unit and deletes it. @returns one line for the user */
export async function removeUnit({ kind, file, settings }: BootPlace): Promise<string> {
  if (!existsSync(file)) return `${file}: is not installed`;
  if (kind === 'launchd') await run(launchctl('bootout', settings), { allowedExitCodes: 'any' });
  else await run(systemctl(kind, 'disable', `${settings.project}.service`));
  rmSync(file);
  if (kind !== 'launchd') await run(systemctl(kind, 'daemon-reload'));
  return `removed ${file}${kind === 'user' ? '; lingering stays enabled (loginctl disable-linger)' : ''}`;
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
    'boot install: requires systemd (got no /run/systemd/system); nothing was changed',
    `Configure this host's service manager to run at boot, as this user: ${join(checkoutDir, 'gatewayctl')} boot start ${env}`,
  );
}
