import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkRunner, type RunnerSubject } from '../../../../cli/unattended/runner-check.ts';
import { jobEnvironment, readRunnerFiles } from '../../../../cli/unattended/runner-files.ts';
import { reportText } from '../../../../cli/verbs/machine/runner.ts';
import { shownFindings } from '../../../helpers/findings.ts';
import { testInstance } from '../../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

// Somebody who is not root, whoever runs this.
const uid = process.getuid?.() || 4711;
const registration = `\uFEFF${JSON.stringify({ agentName: 'web-1', gitHubUrl: 'https://github.com/o/r', agentId: 4 })}`;

/** A runner that lacks nothing but a daemon, with other files of its own where they are given. */
function subjectWith(files: Readonly<Record<string, string>> = {}): RunnerSubject & { readonly place: string } {
  const place = temporaryDir();
  const [dir, root, bin, home] = ['runner', 'root', 'bin', 'home'].map((name) => join(place, name)) as [
    string,
    string,
    string,
    string,
  ];
  for (const each of [dir, root, bin, home]) mkdirSync(each);
  // Stand-ins: no job runs them.
  for (const name of ['git', 'npm', 'docker', 'systemctl']) {
    writeFiles(bin, { [name]: '#!/bin/sh\nexit 0\n' });
    chmodSync(join(bin, name), 0o755);
  }
  testInstance({ env: 'dev', root });
  writeFiles(home, { '.config/systemd/user/taxlien-gateway-dev.service': '' });
  writeFiles(dir, {
    '.runner': registration,
    '.path': `${bin}\n`,
    '.env': `LANG=C.UTF-8\nDOCKER_HOST=unix://${place}/none.sock\nTAXLIEN_GATEWAY_ROOT=${root}\n`,
    ...files,
  });
  if (process.getuid?.() === 0) own(place);
  return {
    place,
    files: readRunnerFiles(dir),
    environment: { PATH: '/nowhere' },
    user: { name: 'runner', uid, home },
    platform: 'linux',
  };
}

function own(path: string): void {
  chownSync(path, uid, uid);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) own(join(path, entry.name));
    else chownSync(join(path, entry.name), uid, uid);
  }
}

/** What is found but for the daemon that is not there, and but for the service, which is asked of the host itself. */
async function found(subject: RunnerSubject & { readonly place: string }): Promise<string> {
  const { findings } = await checkRunner(subject);
  expect(findings.map(({ code }) => code)).toContain('E_DAEMON');
  const others = findings.filter(({ code }) => !['E_DAEMON', 'W_RUNNER_SERVICE'].includes(code));
  return shownFindings(others, subject.place).join('\n');
}

test('what a job gets: PATH of .path, variables of .env, all else of whoever asks', () => {
  const { files } = subjectWith();
  const job = jobEnvironment(files, { PATH: '/nowhere', HOME: '/home/runner' });
  expect(job).toEqual({
    HOME: '/home/runner',
    LANG: 'C.UTF-8',
    PATH: join(files.dir, '../bin'),
    DOCKER_HOST: expect.stringContaining('/none.sock'),
    TAXLIEN_GATEWAY_ROOT: join(files.dir, '../root'),
  });
  expect(files.registration).toEqual({ agentName: 'web-1', gitHubUrl: 'https://github.com/o/r' });
});

test('files that are no JSON are named', async () => {
  expect(() => subjectWith({ '.runner': '{' })).toThrow(/\.runner: is no JSON \(got /);
  const subject = subjectWith();
  writeFiles(subject.user.home, { '.docker/config.json': '{' });
  await expect(checkRunner(subject)).rejects.toThrow(/config\.json: is no JSON \(got /);
});

test('a runner that lacks nothing', async () => {
  expect(await found(subjectWith())).toBe('');
});

test('no service, and one that does not run', async () => {
  const codes = async (files: Readonly<Record<string, string>>) =>
    (await checkRunner(subjectWith(files))).findings.map(({ code }) => code);
  expect(await codes({})).toEqual(['W_RUNNER_SERVICE', 'E_DAEMON']);
  // No unit of that name is on any host.
  expect(await codes({ '.service': 'actions.runner.none-4f85a199.service\n' })).toEqual([
    'W_RUNNER_SERVICE_DOWN',
    'E_DAEMON',
  ]);
});

test('root, and a runner of somebody else', async () => {
  const subject = subjectWith();
  const root = await checkRunner({ ...subject, user: { ...subject.user, uid: 0 } });
  expect(root.findings.map(({ code }) => code)).toEqual([
    'W_RUNNER_IS_ROOT',
    'E_RUNNER_USER',
    'W_RUNNER_SERVICE',
    'E_DAEMON',
    'E_RUNNER_INSTANCE',
  ]);
});

test('no runner in the directory', async () => {
  const subject = subjectWith();
  const report = await checkRunner({ ...subject, files: readRunnerFiles(join(subject.place, 'elsewhere')) });
  expect(report.findings.map(({ code }) => code)).toContain('E_RUNNER_CONFIG');
  expect(reportText(report)).toContain(`runner     none in ${subject.place}/elsewhere\n`);
});

test('programs that the PATH of a job does not have', async () => {
  const subject = subjectWith({ '.path': '/nowhere\n' });
  expect(await found({ ...subject, environment: { PATH: join(subject.place, 'bin') } })).toMatchInlineSnapshot(`
    "E_RUNNER_PROGRAM error: <root>/runner/.path: has no git (got /nowhere). Every job needs it, and a service does not have the PATH of your shell. printf '%s\\n' "$PATH" > <root>/runner/.path, since this shell has it (<root>/bin/git); then start the service anew.
    E_RUNNER_PROGRAM error: <root>/runner/.path: has no npm (got /nowhere). Every job needs it, and a service does not have the PATH of your shell. printf '%s\\n' "$PATH" > <root>/runner/.path, since this shell has it (<root>/bin/npm); then start the service anew.
    E_RUNNER_PROGRAM error: <root>/runner/.path: has no docker (got /nowhere). Every job needs it, and a service does not have the PATH of your shell. printf '%s\\n' "$PATH" > <root>/runner/.path, since this shell has it (<root>/bin/docker); then start the service anew."
  `);
  expect(await found(subject)).toMatch(/E_RUNNER_PROGRAM error: .*has no git .* sudo apt-get install git, then check/);
});

test('a credential helper, which no key chain of a service answers', async () => {
  const subject = subjectWith();
  writeFiles(subject.user.home, { '.docker/config.json': '{"credsStore":"osxkeychain"}' });
  expect(await found(subject)).toMatchInlineSnapshot(
    `"W_RUNNER_CREDENTIALS warning: <root>/home/.docker/config.json: has a credential helper (got credsStore "osxkeychain"). It asks a key chain that nobody unlocks for a service: pulling a public image fails. mkdir -p <root>/runner/docker-config && echo DOCKER_CONFIG=<root>/runner/docker-config >> <root>/runner/.env; then start the service anew."`,
  );
  const own = {
    ...subject.files,
    variables: { ...subject.files.variables, DOCKER_CONFIG: join(subject.place, 'own') },
  };
  expect(await found({ ...subject, files: own })).toBe('');
});

test('a root that is not there, and one without an instance', async () => {
  const subject = subjectWith();
  const at = (root: string) => ({
    ...subject,
    files: { ...subject.files, variables: { ...subject.files.variables, TAXLIEN_GATEWAY_ROOT: root } },
  });
  expect(await found(at(join(subject.place, 'gone')))).toMatchInlineSnapshot(
    `"E_RUNNER_ROOT error: <root>/gone: cannot be written by runner (got ENOENT). Settings, state and data of the environments lie there. sudo install -d -o runner <root>/gone; or set TAXLIEN_GATEWAY_ROOT for the runner's jobs."`,
  );
  expect(await found(at(subject.user.home))).toMatchInlineSnapshot(
    `"W_RUNNER_NO_INSTANCE warning: <root>/home: holds no instance (got none of dev, stage, prod). A deploy stops for want of its settings. ./gatewayctl init <env> --bind-ip <the address of this environment>"`,
  );
});

test("an instance that nothing starts after a reboot; its settings are the doctor's affair", async () => {
  const subject = subjectWith();
  const homeless = { ...subject, user: { ...subject.user, home: join(subject.place, 'bin') } };
  expect(await found(homeless)).toMatchInlineSnapshot(
    `"W_RUNNER_BOOT warning: dev: has no unit for the time after a reboot (got no <root>/bin/.config/systemd/user/taxlien-gateway-dev.service). Docker does not retry a container whose address was not there yet at boot. ./gatewayctl boot install dev"`,
  );
  writeFiles(subject.place, { 'root/dev/.env': 'BIND_IP=\n' });
  expect(await found(homeless)).toBe('');
});

test('on macOS the commands are those of a Mac', async () => {
  const subject = { ...subjectWith({ '.path': '/nowhere\n' }), platform: 'darwin' as const };
  const { findings } = await checkRunner(subject);
  const fixes = findings.map(({ code, fix }) => `${code} ${fix.replaceAll(subject.place, '<place>')}`);
  expect(fixes.filter((line) => line.startsWith('W_RUNNER') || line.includes('brew'))).toMatchInlineSnapshot(`
    [
      "W_RUNNER_SERVICE cd <place>/runner && ./svc.sh install && ./svc.sh start",
      "E_RUNNER_PROGRAM brew install git, then check again.",
      "E_RUNNER_PROGRAM brew install node, then check again.",
      "E_RUNNER_PROGRAM brew install --cask docker, then check again.",
      "W_RUNNER_BOOT ./gatewayctl boot install dev",
    ]
  `);
});

test('the report as text', async () => {
  const subject = subjectWith();
  const report = await checkRunner(subject);
  expect(reportText({ ...report, findings: [] }).replaceAll(subject.place, '<place>')).toMatchInlineSnapshot(`
    "runner     web-1 of https://github.com/o/r
    user       runner; a pull request's code runs as this user, unless previews are off (docs/runner.md)
    daemon     unix://<place>/none.sock
    instances  dev in <place>/root
    labels     self-hosted, taxlien-gateway, dev are needed; GitHub alone shows them: Settings, Actions, Runners

    runner: all is well"
  `);
});
