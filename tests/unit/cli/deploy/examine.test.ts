import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { examine } from '../../../../cli/deploy/examine.ts';
import { shownFindings } from '../../../helpers/findings.ts';
import { envText, testInstance } from '../../../helpers/instance.ts';
import { stubProgram } from '../../../helpers/stub-program.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

let root: string;

/** A daemon that is well and runs nothing; the script answers `docker exec`. */
function stubDaemon(exec: string): void {
  const info = { ID: 'id-1', Driver: 'vfs', DockerRootDir: '/nonexistent', OperatingSystem: 'Debian' };
  stubProgram(
    'docker',
    `case "$3" in
      version) echo 'linux amd64 1.52 1.24' ;;
      info) echo '${JSON.stringify({ ...info, SecurityOptions: [] })}' ;;
      exec) touch "${root}/exec"; ${exec} ;;
      container | image | network | volume) [ "$4" = ls ] || echo '[]' ;;
    esac`,
  );
}

beforeEach(() => {
  root = temporaryDir();
  vi.stubEnv('TAXLIEN_GATEWAY_ROOT', root);
  vi.stubEnv('XDG_STATE_HOME', join(root, 'state'));
  vi.stubEnv('DOCKER_HOST', `unix://${root}/no.sock`);
});

const codesOf = async () => (await examine('dev')).findings.map(({ code }) => code);
const hasLoggedIn = () => existsSync(join(root, 'exec'));

test('a missing instance is a finding', async () => {
  stubDaemon('exit 2');
  expect(shownFindings((await examine('dev')).findings, root)).toEqual([
    'E_NO_INSTANCE error: <root>/dev/.env: there is no instance here. undefined Run ./gatewayctl init dev --bind-ip <address of this host>.',
  ]);
  expect(hasLoggedIn()).toBe(false);
});

test('each bad setting is a finding of its own', async () => {
  stubDaemon('exit 2');
  testInstance({ root, text: envText({ BIND_IP: '0.0.0.0', WORKER_TOKEN: '' }) });
  expect((await codesOf()).length).toBeGreaterThanOrEqual(2);
  expect(hasLoggedIn()).toBe(false);
});

test('without a daemon no login is tried', async () => {
  testInstance({ root });
  stubProgram('docker', `[ "$3" = exec ] && touch "${root}/exec"; echo 'no daemon' >&2; exit 1`);
  expect(await codesOf()).toContain('E_DAEMON');
  expect(hasLoggedIn()).toBe(false);
});

test('warnings do not prevent the logins, whose findings come last', async () => {
  testInstance({ root });
  stubDaemon('echo "no route" >&2; exit 2');
  const { findings, tookMs } = await examine('dev');
  const codes = findings.map(({ code }) => code);
  expect(codes).toContain('W_STORAGE_DRIVER');
  expect(codes.at(-1)).toBe('W_DATABASE_LOGIN');
  expect(tookMs).toEqual({ checks: expect.any(Number), logins: expect.any(Number) });
});

test('a login that breaks off is a finding, and the others are kept', async () => {
  testInstance({ root });
  stubDaemon('kill -KILL $$');
  const { findings } = await examine('dev');
  expect(findings.map(({ code }) => code)).toContain('W_STORAGE_DRIVER');
  expect(findings.at(-1)).toMatchObject({ code: 'E_PROCESS', severity: 'error' });
  expect(findings.at(-1)?.message).toMatch(/ended by SIGKILL$/);
});

test('a damaged journal is a finding, and then no login is tried', async () => {
  testInstance({ root });
  writeFiles(root, { 'dev/move-data.json': '{"from"' });
  stubDaemon('exit 2');
  expect(await codesOf()).toContain('E_DAMAGED_FILE');
  expect(hasLoggedIn()).toBe(false);
});
