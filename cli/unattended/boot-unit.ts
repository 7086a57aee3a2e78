import { homedir } from 'node:os';
import { join } from 'node:path';

/** Contents of an instance's unit. It is plain text: no secret may be in it. */
export interface BootUnit {
  /** The instance's project; the unit is named after it. */
  readonly project: string;
  readonly env: string;
  /** The `gatewayctl` to run. */
  readonly program: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Directories that must be mounted first. */
  readonly directories: readonly string[];
  /** Log of a LaunchAgent, which has no journal. */
  readonly logFile: string;
}

/** What starts the unit: the system's systemd, the user's own, or a user's login on macOS. */
export type BootKind = 'system' | 'user' | 'launchd';

export function bootKind(platform: NodeJS.Platform, uid: number | undefined): BootKind {
  if (platform === 'darwin') return 'launchd';
  return uid === 0 ? 'system' : 'user';
}

export function unitFile(kind: BootKind, project: string, home = homedir()): string {
  if (kind === 'launchd') return join(home, 'Library', 'LaunchAgents', `${project}.plist`);
  const dir = kind === 'system' ? '/etc/systemd/system' : join(home, '.config', 'systemd', 'user');
  return join(dir, `${project}.service`);
}

export const unitText = (kind: BootKind, unit: BootUnit): string =>
  kind === 'launchd' ? plist(unit) : systemdUnit(kind, unit);

// Each wait of `boot start` has its own limit.
const startTimeout = 'infinity';

function systemdUnit(kind: BootKind, { project, env, program, environment, directories }: BootUnit): string {
  const isSystem = kind === 'system';
  return [
    '# Written by ./gatewayctl boot install; ./gatewayctl boot remove takes it away.',
    '[Unit]',
    `Description=${project}: start what Docker could not bind at boot`,
    // A user unit cannot depend on a system unit: `boot start` waits instead.
    ...(isSystem ? ['Wants=network-online.target', 'After=network-online.target docker.service'] : []),
    ...directories.map((dir) => `RequiresMountsFor=${quoted(dir)}`),
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    `TimeoutStartSec=${startTimeout}`,
    ...Object.entries(environment).map(([key, value]) => `Environment=${quoted(`${key}=${value}`)}`),
    `ExecStart=${quoted(program).replaceAll('$', '$$$$')} boot start ${env}`,
    '',
    '[Install]',
    `WantedBy=${isSystem ? 'multi-user.target' : 'default.target'}`,
    '',
  ].join('\n');
}

/** As systemd reads it: `%` starts a specifier; quotes and backslashes are escaped. */
const quoted = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%')}"`;

function plist({ project, env, program, environment, logFile }: BootUnit): string {
  const variables = Object.entries(environment).map(
    ([key, value]) => `    <key>${escaped(key)}</key><string>${escaped(value)}</string>`,
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    '<dict>',
    `  <key>Label</key><string>${escaped(project)}</string>`,
    '  <key>ProgramArguments</key>',
    `  <array>${[program, 'boot', 'start', env].map((word) => `<string>${escaped(word)}</string>`).join('')}</array>`,
    '  <key>EnvironmentVariables</key>',
    '  <dict>',
    ...variables,
    '  </dict>',
    '  <key>RunAtLoad</key><true/>',
    `  <key>StandardOutPath</key><string>${escaped(logFile)}</string>`,
    `  <key>StandardErrorPath</key><string>${escaped(logFile)}</string>`,
    '</dict>',
    '</plist>',
    '',
  ].join('\n');
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
