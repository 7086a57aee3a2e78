import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accounts, shellOf, tearDownShell } from '../helpers/account.ts';
import { type Checkout, containerIds, docker, gatewayctl, type Shell } from '../helpers/engine.ts';
import { completeTask, type Worker, workerOf } from '../helpers/worker.ts';

const project = 'taxlien-gateway-dev';
const untouched = 'The running gateway was not touched. Fix the error in these lines, then deploy again.';
const firstMigration = 'supabase/migrations/20261123000000_tasks.sql';
const secondMigration = 'supabase/migrations/20261124000000_notes.sql';

interface Asked {
  readonly sentMs: number;
  readonly problem: string | undefined;
}

/** Requests a task every 50 ms, whatever became of the requests before. */
function askOften({ request }: Worker, id: string): () => Promise<readonly Asked[]> {
  const asked: Promise<Asked>[] = [];
  const timer = setInterval(() => {
    const sentMs = performance.now();
    const answer = request('GET', `/v3/tasks/${id}`).then(
      ({ status }) => ({ sentMs, problem: status === 200 || status === 429 ? undefined : `HTTP ${status}` }),
      (error: Error) => ({ sentMs, problem: error.message }),
    );
    asked.push(answer);
  }, 50);
  return () => {
    clearInterval(timer);
    return Promise.all(asked);
  };
}

/** Go code that runs before a command of the gateway does. */
const atStart = (command: string, code: string, ...imports: readonly string[]) =>
  `package main\n\nimport (\n${['os', ...imports].map((name) => `\t"${name}"\n`).join('')})\n\n` +
  `func init() {\n\tif len(os.Args) > 1 && os.Args[1] == "${command}" {\n\t\t${code}\n\t}\n}\n`;

type Edit = (
  file: (path: string) => { write(text: string): void; replace(from: string, to: string): void; remove(): void },
) => void;

/** What breaks a gateway, and what the deploy then prints. */
const broken: readonly (readonly [string, Edit, readonly RegExp[]])[] = [
  [
    'a migration that fails',
    (file) => file('supabase/migrations/20261125000000_bad.sql').write('create table half ();\nselect 1/0;\n'),
    [/failed its selfcheck \(exit 1\)/, /FAIL migrations: 20261125000000_bad\.sql: .*division by zero/],
  ],
  [
    'a migration that ends its transaction',
    (file) => file('supabase/migrations/20261125000000_bad.sql').write('create table half ();\ncommit;\n'),
    [/failed its selfcheck/, /FAIL migrations: 20261125000000_bad\.sql: .*may hold no "commit"/],
  ],
  [
    'an applied migration that was edited',
    (file) => file(firstMigration).replace('create table tasks', '-- edited\ncreate table tasks'),
    [/failed its selfcheck/, /FAIL migrations: an applied migration was changed/],
  ],
  [
    'a database of a newer schema',
    (file) => file(secondMigration).remove(),
    [/failed its selfcheck/, /FAIL migrations: the database is newer than this gateway/],
  ],
  [
    'a migration that the running gateway cannot live with, without the flag',
    (file) =>
      file('supabase/migrations/20261125000000_rename.sql').write(
        '-- breaks the running gateway: renames tasks\nalter table tasks rename to jobs;\n',
      ),
    [
      /failed its selfcheck/,
      /breaks the running gateway until it is swapped \(renames tasks\).*--allow-breaking-migration/,
    ],
  ],
  [
    'a setting that is missing',
    (file) => file('internal/settings/settings.go').replace('Env:', 'Env: r.required("NEW_SETTING", "a value") +'),
    [/failed its selfcheck/, /FAIL settings: NEW_SETTING: is not set\. Set it to a value\./],
  ],
  [
    'a panic at start',
    (file) =>
      file('cmd/gateway/extra.go').write(
        atStart('selfcheck', 'for n := range 40 {\n\t\t\tprintln("line", n)\n\t\t}\n\t\tpanic("broken at start")'),
      ),
    // The last 20 lines; a panic takes some of them.
    [/failed its selfcheck \(exit 2\)/, /\bline 39\b[\s\S]*panic: broken at start/, /^(?![\s\S]*\bline 19\b)/],
  ],
  [
    'a raw directory that is not writable',
    (file) => file('components/services/gateway.ts').replace('RAW_DIR: rawDir', "RAW_DIR: '/'"),
    [/failed its selfcheck/, /FAIL raw: .*read-only file system/],
  ],
  [
    'more memory than there is',
    (file) =>
      file('cmd/gateway/extra.go').write(
        atStart(
          'selfcheck',
          'for {\n\t\t\tkeep = append(keep, bytes.Repeat([]byte{1}, 16<<20))\n\t\t}',
          'bytes',
        ).concat('\nvar keep [][]byte\n'),
      ),
    [/failed its selfcheck \(exit 137: killed, most likely out of memory \(256 MiB, GATEWAY_MEMORY_MIB\)\)/],
  ],
  [
    'code that does not compile',
    (file) => file('cmd/gateway/extra.go').write('package main\n\nfunc init() { nowhere() }\n'),
    [/taxlien-gateway-image/, /The gateway's build printed:\n[\s\S]*extra\.go:3:15: undefined: nowhere$/m],
  ],
];

describe.each(accounts)('a gateway that serves, deployed by %s', (account) => {
  let shell: Shell;
  let checkout: Checkout;
  let worker: Worker;
  let taskId: string;

  beforeAll(async () => {
    shell = await shellOf(account, 'broken', '022');
    checkout = shell.checkout;
    writeFileSync(join(checkout.dir, secondMigration), 'create table notes (id bigint primary key);\n');
    await checkout.git('add', '--all');
    await checkout.git('commit', '--quiet', '--message', 'gateway: notes');
    await gatewayctl(shell, ['init', 'dev', '--bind-ip', '127.0.10.1']);
    appendFileSync(join(shell.root, 'dev/.env'), 'RATE_LIMIT_PER_MINUTE=1000000\n');
    const first = await gatewayctl(shell, ['up', 'dev']);
    expect(first.stdout).not.toContain('down for');
    worker = workerOf(shell.root, 'dev');
    taskId = await completeTask(worker, new TextEncoder().encode('body'));
  });

  afterAll(async () => {
    await tearDownShell(shell, 'dev');
  });

  const edit = (change: Edit) =>
    change((path) => {
      const full = join(checkout.dir, path);
      return {
        write: (text) => writeFileSync(full, text),
        remove: () => rmSync(full),
        replace: (from, to) => {
          const text = readFileSync(full, 'utf8');
          expect(text).toContain(from);
          writeFileSync(full, text.replace(from, to));
        },
      };
    });

  const restore = async () => {
    await checkout.git('reset', '--hard', '--quiet');
    await checkout.git('clean', '--force', '--quiet', '-d', '--exclude=node_modules');
  };

  const schema = async () => {
    const { schema } = (await (await worker.request('GET', '/version')).json()) as { schema: string };
    return schema;
  };

  test.each(broken)('loses no request to %s', async (_, change, messages) => {
    const before = await containerIds(project);
    edit(change);
    const stop = askOften(worker, taskId);
    const { exitCode, stdout, stderr } = await gatewayctl(shell, ['up', 'dev'], 'any');
    const asked = await stop();
    await restore();
    expect(exitCode, stdout + stderr).toBe(1);
    for (const message of messages) expect(stdout + stderr).toMatch(message);
    if (messages.some((message) => message.source.includes('selfcheck'))) {
      expect(stdout + stderr).toContain(untouched);
      expect(
        (stdout + stderr).split('its last lines:')[1]?.split(untouched)[0]?.trim().split('\n').length,
      ).toBeLessThanOrEqual(20);
    }
    expect(stdout).not.toContain('down for');
    expect(asked.length).toBeGreaterThan(40);
    expect(asked.filter(({ problem }) => problem !== undefined)).toEqual([]);
    expect(await containerIds(project)).toEqual(before);
    expect(await schema()).toBe('20261124000000');
    expect(await docker('ps', '--all', '--quiet', '--filter', 'label=taxlien-gateway.step')).toBe('');
  });

  test('is followed by a good deploy without manual work; requests fail only within the reported downtime', async () => {
    edit((file) => file('supabase/migrations/20261125000000_more.sql').write('create table more ();\n'));
    await checkout.git('add', '--all');
    await checkout.git('commit', '--quiet', '--message', 'gateway: more');
    const stop = askOften(worker, taskId);
    const { stdout } = await gatewayctl(shell, ['up', 'dev']);
    const asked = await stop();
    expect(await schema()).toBe('20261125000000');
    const reported = /^gateway: down for (\d+\.\d) s$/m.exec(stdout);
    expect(stdout.match(/: down for /g)).toHaveLength(1);
    const downtimeMs = Number(reported?.[1]) * 1000;
    const failed = asked.filter(({ problem }) => problem !== undefined).map(({ sentMs }) => sentMs);
    expect(failed.length).toBeGreaterThan(0);
    // 50 ms: the deploy's own requests are sent at other moments.
    expect(Math.max(...failed) - Math.min(...failed)).toBeLessThanOrEqual(downtimeMs + 50);
    expect(downtimeMs).toBeLessThan(10_000);
  });

  test.each<readonly [string, Edit, RegExp]>([
    [
      'turns unhealthy',
      (file) => {
        file('cmd/gateway/extra.go').write(atStart('health', 'println("not well today")\n\t\tos.Exit(1)'));
        // The failure must come after the start period.
        file('components/services/gateway.ts').replace('startPeriodSeconds: 30', 'startPeriodSeconds: 1');
      },
      /gateway is unhealthy; its last lines:[\s\S]*health check: exit 1 not well today/,
    ],
    [
      'ends',
      (file) =>
        file('cmd/gateway/extra.go').write(
          atStart('serve', 'time.Sleep(time.Second)\n\t\tpanic("broken after the swap")', 'time'),
        ),
      /gateway ended (\(exit 2\) )?and (was|will be) started again; its last lines:[\s\S]*panic: broken after the swap/,
    ],
  ])('that %s after the swap fails the deploy at once', async (_, change, message) => {
    edit(change);
    const startedMs = Date.now();
    const { exitCode, stdout, stderr } = await gatewayctl(shell, ['up', 'dev'], 'any');
    const tookMs = Date.now() - startedMs;
    await restore();
    expect(exitCode).toBe(1);
    expect(stdout + stderr).toMatch(message);
    expect(stdout + stderr).toContain('Fix the error in these lines, then deploy again.');
    expect(stdout).toMatch(/^gateway: down for \d+\.\d s$/m);
    // Without the early end it would wait for the start period and 60 s more.
    expect(tookMs).toBeLessThan(60_000);
  });

  test('is fixed by the next good deploy, which may break the running gateway if that is allowed', async () => {
    edit((file) =>
      file('supabase/migrations/20261126000000_rename.sql').write(
        '-- breaks the running gateway: for the test\ncreate table allowed ();\n',
      ),
    );
    await gatewayctl(shell, ['up', 'dev', '--allow-breaking-migration']);
    expect(await schema()).toBe('20261126000000');
    expect((await worker.request('GET', `/v3/tasks/${taskId}`)).status).toBe(200);
  });
});
