import { expect, test } from 'vitest';
import { bootEnvironment } from '../../../../cli/unattended/boot-environment.ts';
import { type BootUnit, bootKind, unitFile, unitText } from '../../../../cli/unattended/boot-unit.ts';
import { run } from '../../../../host/process.ts';

const unit: BootUnit = {
  project: 'taxlien-gateway-stage',
  env: 'stage',
  program: '/srv/a b/100%/$HOME/"x"/gatewayctl',
  environment: { HOME: '/home/a&b', PATH: '/usr/bin:/bin' },
  directories: ['/opt/taxlien-gateway/stage', '/mnt/big disk'],
  logFile: '/home/a&b/boot.log',
};

test('root gets a unit of the system, which waits for network, daemon and disks', () => {
  expect(unitText('system', unit)).toMatchInlineSnapshot(`
    "# Written by ./gatewayctl boot install; ./gatewayctl boot remove takes it away.
    [Unit]
    Description=taxlien-gateway-stage: start what Docker could not bind at boot
    Wants=network-online.target
    After=network-online.target docker.service
    RequiresMountsFor="/opt/taxlien-gateway/stage"
    RequiresMountsFor="/mnt/big disk"

    [Service]
    Type=oneshot
    RemainAfterExit=yes
    TimeoutStartSec=infinity
    Environment="HOME=/home/a&b"
    Environment="PATH=/usr/bin:/bin"
    ExecStart="/srv/a b/100%%/$$HOME/\\"x\\"/gatewayctl" boot start stage

    [Install]
    WantedBy=multi-user.target
    "
  `);
});

test("a user's unit refers to no unit of the system", () => {
  const text = unitText('user', unit);
  expect(text).not.toMatch(/docker\.service|network-online|multi-user/);
  expect(text).toContain('WantedBy=default.target');
});

test('a LaunchAgent is the same in XML', () => {
  expect(unitText('launchd', unit)).toMatchInlineSnapshot(`
    "<?xml version="1.0" encoding="UTF-8"?>
    <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
    <plist version="1.0">
    <dict>
      <key>Label</key><string>taxlien-gateway-stage</string>
      <key>ProgramArguments</key>
      <array><string>/srv/a b/100%/$HOME/"x"/gatewayctl</string><string>boot</string><string>start</string><string>stage</string></array>
      <key>EnvironmentVariables</key>
      <dict>
        <key>HOME</key><string>/home/a&amp;b</string>
        <key>PATH</key><string>/usr/bin:/bin</string>
      </dict>
      <key>RunAtLoad</key><true/>
      <key>StandardOutPath</key><string>/home/a&amp;b/boot.log</string>
      <key>StandardErrorPath</key><string>/home/a&amp;b/boot.log</string>
    </dict>
    </plist>
    "
  `);
});

test('a parser of property lists reads it back', async () => {
  const parse = 'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))';
  const { stdout } = await run(['python3', '-c', parse], { stdin: unitText('launchd', unit) });
  expect(JSON.parse(stdout)).toEqual({
    Label: 'taxlien-gateway-stage',
    ProgramArguments: [unit.program, 'boot', 'start', 'stage'],
    EnvironmentVariables: unit.environment,
    RunAtLoad: true,
    StandardOutPath: unit.logFile,
    StandardErrorPath: unit.logFile,
  });
});

test('each system and user has a directory for it', () => {
  expect([bootKind('linux', 0), bootKind('linux', 1000), bootKind('darwin', 501)]).toEqual([
    'system',
    'user',
    'launchd',
  ]);
  expect((['system', 'user', 'launchd'] as const).map((kind) => unitFile(kind, 'p', '/home/u'))).toEqual([
    '/etc/systemd/system/p.service',
    '/home/u/.config/systemd/user/p.service',
    '/home/u/Library/LaunchAgents/p.plist',
  ]);
});

test('the environment at boot has only the variables that find the instance', () => {
  const args = { home: '/home/u', nodeDir: '/usr/bin', root: '/opt/taxlien-gateway', dockerHost: 'unix:///d.sock' };
  const env = { PATH: '/nowhere', XDG_CACHE_HOME: '/cache', XDG_STATE_HOME: '', WORKER_TOKEN: 'secret' };
  const standard = '/usr/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/bin:/sbin';
  expect(bootEnvironment(args, env)).toEqual({
    HOME: '/home/u',
    PATH: standard,
    TAXLIEN_GATEWAY_ROOT: '/opt/taxlien-gateway',
    DOCKER_HOST: 'unix:///d.sock',
    XDG_CACHE_HOME: '/cache',
  });
  expect(bootEnvironment({ ...args, dockerHost: undefined }, {})).toEqual({
    HOME: '/home/u',
    PATH: standard,
    TAXLIEN_GATEWAY_ROOT: '/opt/taxlien-gateway',
  });
});
