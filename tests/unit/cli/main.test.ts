import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { gatewayctl } from '../../helpers/gatewayctl.ts';
import { envText } from '../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

// Each case starts Node.
const options = { timeout: 60_000 };

/** The verbs that scripts rely on. */
const verbs = [
  ...['init', 'up', 'refresh', 'destroy', 'recover'],
  ...['preview', 'drift', 'doctor', 'status', 'verify', 'summary', 'images', 'env'],
  ...['rotate', 'move-data', 'adopt'],
  ...['toolchain', 'sandbox', 'boot', 'runner', 'checkout-commit', 'plan-comment', 'test', 'exec'],
];

describe('help', options, () => {
  test('lists every verb; exit 0 on request, 1 instead of a verb', async () => {
    const home = temporaryDir();
    const [asked, bare] = await Promise.all([gatewayctl(home, '--help'), gatewayctl(home)]);
    expect([asked.exitCode, asked.stderr, bare.exitCode]).toEqual([0, '', 1]);
    expect(bare.stdout).toBe(asked.stdout);
    const listed = [...asked.stdout.matchAll(/^ {2}([a-z-]+) /gm)].map(([, verb]) => verb);
    expect(listed).toEqual(verbs);
    for (const line of asked.stdout.split('\n')) expect(line.length).toBeLessThan(120);
  });

  test('every verb has its own', async () => {
    const home = temporaryDir();
    const answers = await Promise.all(verbs.map((verb) => gatewayctl(home, verb, '--help')));
    for (const [index, { exitCode, stdout, stderr }] of answers.entries()) {
      expect([exitCode, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(new RegExp(`^Usage: \\./gatewayctl ${verbs[index]} .+\n\n.+`));
      const usageOptions = stdout.split('\n', 1)[0]?.match(/--[a-z-]{2,}( <[^>]+>)?/g) ?? [];
      const described = [...stdout.matchAll(/^ {2}(?:-[a-z], )?(--[a-z-]+(?: <[^>]+>)?) {2,}(?!undefined).+$/gm)];
      expect(described.map(([, option]) => option).sort()).toEqual(usageOptions.sort());
    }
    expect(readdirSync(home)).toEqual([]);
  });

  test('the options of a verb are aligned', async () => {
    const { stdout } = await gatewayctl(temporaryDir(), 'destroy', '--help');
    expect(stdout.slice(stdout.indexOf('Options:'))).toBe(
      [
        'Options:',
        '  -y, --yes  do not ask for confirmation; required without a terminal',
        '  --wait     wait up to one hour for another gatewayctl',
        '',
      ].join('\n'),
    );
  });
});

test('a refusal: exit 1, the reason on stderr, nothing on stdout, and nothing changed', options, async () => {
  const calls = [
    ['deploy', 'dev'],
    ['constructor'],
    ['up'],
    ['up', 'dev', 'stage'],
    ['up', 'production'],
    ['up', 'dev', '--force'],
    ['status', '--json=yes'],
    ['init', 'dev'],
    ['init', 'dev', '--bind-ip', '0.0.0.0'],
    ['destroy', 'dev'],
    ['sandbox', 'clean'],
    ['sandbox', 'explode'],
    ['up', 'stage'],
  ];
  const answers = await Promise.all(
    calls.map(async (args) => {
      const home = temporaryDir();
      const { exitCode, stdout, stderr } = await gatewayctl(home, ...args);
      expect([args, exitCode, stdout, readdirSync(home)]).toEqual([args, 1, '', []]);
      return `$ gatewayctl ${args.join(' ')}\n${stderr.replaceAll(home, '<home>')}`;
    }),
  );
  expect(answers.join('\n')).toMatchInlineSnapshot(`
    "$ gatewayctl deploy dev
    E_USAGE  gatewayctl: no such verb (got deploy)
    Run ./gatewayctl --help.

    $ gatewayctl constructor
    E_USAGE  gatewayctl: no such verb (got constructor)
    Run ./gatewayctl --help.

    $ gatewayctl up
    E_USAGE  gatewayctl up: wrong number of arguments (got none)
    Usage: ./gatewayctl up <env> [--sandbox] [--wait] [--allow-breaking-migration] [--run <id>]

    $ gatewayctl up dev stage
    E_USAGE  gatewayctl up: wrong number of arguments (got dev stage)
    Usage: ./gatewayctl up <env> [--sandbox] [--wait] [--allow-breaking-migration] [--run <id>]

    $ gatewayctl up production
    E_ENVIRONMENT  environment: is not one of this project (got production)
    Name one of dev, stage, prod.

    $ gatewayctl up dev --force
    E_USAGE  gatewayctl up: Unknown option '--force'. To specify a positional argument starting with a '-', place it at the end of the command after '--', as in '-- "--force"
    Usage: ./gatewayctl up <env> [--sandbox] [--wait] [--allow-breaking-migration] [--run <id>]

    $ gatewayctl status --json=yes
    E_USAGE  gatewayctl status: Option '--json' does not take an argument
    Usage: ./gatewayctl status [env] [--json]

    $ gatewayctl init dev
    E_BIND_IP  init dev: an instance requires its own address (got no --bind-ip)
    Run ./gatewayctl init dev --bind-ip <address of this host>; "ip addr" lists them.

    $ gatewayctl init dev --bind-ip 0.0.0.0
    E_BIND_IP  --bind-ip: must be one address, not all of the host (got 0.0.0.0)
    Give one address of this host, e.g. --bind-ip 10.0.0.4.

    $ gatewayctl destroy dev
    E_NOT_CONFIRMED  destroy dev: must be confirmed (got no terminal); nothing was changed
    Run ./gatewayctl destroy dev --yes.

    $ gatewayctl sandbox clean
    E_NOT_CONFIRMED  sandbox clean: would delete the engine with its images, containers and volumes; nothing was changed
    Run ./gatewayctl sandbox clean --yes.

    $ gatewayctl sandbox explode
    E_USAGE  sandbox: no such command (got explode)
    Usage: ./gatewayctl sandbox start|stop|status|clean [--yes]

    $ gatewayctl up stage
    E_DAEMON  docker: no daemon answers (got unix://<home>/no.sock)
    Start Docker and give this user access; or, on Linux as root, use the sandbox: ./gatewayctl up stage --sandbox.
    "
  `);
});

describe('init', options, () => {
  test('creates an instance once', async () => {
    const home = temporaryDir();
    const first = await gatewayctl(home, 'init', 'stage', '--bind-ip', '127.0.10.2');
    expect(first).toEqual({
      exitCode: 0,
      stdout: `created ${home}/root/stage; its settings: ${home}/root/stage/.env\n`,
      stderr: '',
    });
    const text = readFileSync(join(home, 'root/stage/.env'), 'utf8');
    const second = await gatewayctl(home, 'init', 'stage', '--bind-ip', '127.0.10.3');
    expect([second.exitCode, second.stdout]).toEqual([
      0,
      `${home}/root/stage/.env: already exists; nothing was changed\n`,
    ]);
    expect(readFileSync(join(home, 'root/stage/.env'), 'utf8')).toBe(text);
    expect(readdirSync(home)).toEqual(['root']);
  });
});

describe('doctor', options, () => {
  test('shows all problems of the settings, and exits 1', async () => {
    const home = temporaryDir();
    writeFiles(home, { 'root/prod/.env': envText({ BIND_IP: '0.0.0.0', DB_PORT: '99999' }) });
    const [text, json] = await Promise.all([
      gatewayctl(home, 'doctor', 'prod'),
      gatewayctl(home, 'doctor', 'prod', '--json'),
    ]);
    expect([text.exitCode, json.exitCode, text.stderr, json.stderr]).toEqual([1, 1, '', '']);
    expect(text.stdout.replaceAll(home, '<home>')).toMatchInlineSnapshot(`
      "E_BIND_IP  prod/.env:1 BIND_IP: must be one address, not all of the host (got 0.0.0.0). Set it in <home>/root/prod/.env to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.
      E_PORT  prod/.env:6 DB_PORT: must be a whole number from 1 to 65535 (got 99999). Set it in <home>/root/prod/.env, e.g. DB_PORT=5432.
      prod: 2 errors, 0 warnings
      "
    `);
    const report = JSON.parse(json.stdout) as { env: string; findings: readonly { code: string; severity: string }[] };
    expect(report.env).toBe('prod');
    expect(report.findings.map(({ code, severity }) => [code, severity])).toEqual([
      ['E_BIND_IP', 'error'],
      ['E_PORT', 'error'],
    ]);
    expect(readdirSync(join(home, 'root/prod'))).toEqual(['.env']);
  });

  test('reports that there is no instance', async () => {
    const home = temporaryDir();
    const { exitCode, stdout } = await gatewayctl(home, 'doctor', 'stage', '--json');
    const report = JSON.parse(stdout) as { findings: readonly { code: string }[] };
    expect([exitCode, report.findings.map(({ code }) => code)]).toEqual([1, ['E_NO_INSTANCE']]);
  });
});

test('a refused up: its code is first on the terminal, in the record and in the job summary', options, async () => {
  const home = temporaryDir();
  writeFiles(home, { 'root/stage/.env': envText() });
  const { exitCode, stderr } = await gatewayctl(home, 'up', 'stage');
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^E_DAEMON {2}docker: no daemon answers /)]);
  const record = JSON.parse(readFileSync(join(home, 'root/stage/logs/last-deploy.json'), 'utf8'));
  expect(record.failure).toEqual({ phase: 'prepare the deploy', cause: stderr.trimEnd() });
  const summary = await gatewayctl(home, 'summary', 'stage');
  expect(summary.stdout).toContain(`\`\`\`text\n${stderr.trimEnd()}\n\`\`\`\n`);
});

test('status without an instance shows how to create one', options, async () => {
  expect(await gatewayctl(temporaryDir(), 'status')).toEqual({
    exitCode: 0,
    stdout: 'no instance found; create one: ./gatewayctl init <env>\n',
    stderr: '',
  });
});
