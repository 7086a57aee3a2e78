import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../../host/errors.ts';
import { ProcessError, type RunOptions, run } from '../../../host/process.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

const node = (script: string, options?: RunOptions) => run([process.execPath, '--eval', script], options);

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('did not fail');
    },
    (error: Error) => error,
  );
}

describe('a program that succeeds', () => {
  test('its output', async () => {
    expect(await run(['sh', '-c', 'printf out; printf err >&2'])).toEqual({
      exitCode: 0,
      stdout: 'out',
      stderr: 'err',
    });
  });

  test('its arguments are passed as they are', async () => {
    const args = ['a b', '$HOME', '"\'', '*', ''];
    const { stdout } = await run([process.execPath, '--print', 'JSON.stringify(process.argv.slice(1))', ...args]);
    expect(JSON.parse(stdout)).toEqual(args);
  });

  test('its directory and its whole environment', async () => {
    const cwd = temporaryDir();
    const { stdout } = await node('console.log(process.cwd(), JSON.stringify(process.env))', {
      cwd,
      env: { ONLY: 'this' },
    });
    expect(stdout).toBe(`${cwd} {"ONLY":"this"}\n`);
  });

  test('its standard input, whole and then closed', async () => {
    const stdin = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 256));
    const script = `const { createHash } = require('node:crypto'); const hash = createHash('sha256');
      process.stdin.on('data', (data) => hash.update(data)).on('end', () => process.stdout.write(hash.digest('hex')));`;
    const { createHash } = await import('node:crypto');
    expect((await node(script, { stdin })).stdout).toBe(createHash('sha256').update(stdin).digest('hex'));
  });

  test('without standard input, reading ends at once', async () => {
    expect((await run(['cat'])).stdout).toBe('');
  });

  test('an input that it does not read is no error', async () => {
    expect(await run(['true'], { stdin: 'x'.repeat(1_000_000) })).toMatchObject({ exitCode: 0 });
  });
});

describe('lines as they come', () => {
  test('from both streams, including a last one without a line end', async () => {
    const lines: string[] = [];
    await run(['sh', '-c', 'echo one; echo; printf two'], { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(['one', '', 'two']);
    const errors: string[] = [];
    await run(['sh', '-c', 'echo problem >&2'], { onLine: (line) => errors.push(line) });
    expect(errors).toEqual(['problem']);
  });

  test('a character that comes in two parts is whole', async () => {
    const lines: string[] = [];
    const script = `process.stdout.write(Buffer.from([0xc3])); setTimeout(() => process.stdout.write(Buffer.from([0xa9, 10])), 100);`;
    const { stdout } = await node(script, { onLine: (line) => lines.push(line) });
    expect([lines, stdout]).toEqual([['é'], 'é\n']);
  });
});

describe('a stop of this process', () => {
  const module = join(import.meta.dirname, '../../../host/process.ts');
  /** A process that runs `script` by `run`, is stopped once `script` prints its start, and prints the outcome. */
  const stopped = async (signal: 'SIGINT' | 'SIGTERM', script: string, options = '') => {
    const program = `
      import { run } from ${JSON.stringify(module)};
      const argv = ['sh', '-c', ${JSON.stringify(script)}];
      const onLine = (line) => { if (line === 'started') process.kill(process.pid, ${JSON.stringify(signal)}); else console.log(line); };
      try { console.log('exit', (await run(argv, { onLine, ${options} })).exitCode); }
      catch (error) { console.log(error.code, error.message); }`;
    const argv = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
    return (await run(argv, { allowedExitCodes: 'any', timeoutMs: 20_000 })).stdout;
  };

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends the child too, and nothing else is started', async (signal) => {
    const said = await stopped(signal, 'echo started; exec sleep 60', "allowedExitCodes: 'any'");
    expect(said).toBe(`E_STOPPED sh: stopped, because gatewayctl got ${signal}\n`);
  });

  test('one that ends in order is waited for', async () => {
    const script = "trap 'echo ended in order; exit 3' TERM; echo started; while :; do sleep 0.1; done";
    expect(await stopped('SIGTERM', script, "allowedExitCodes: 'any', isStopOrderly: true")).toBe(
      'ended in order\nexit 3\n',
    );
    expect(await stopped('SIGTERM', script)).toContain('ended in order\nE_STOPPED');
  });
});

describe('a program that fails', () => {
  test('an exit code that is not allowed', async () => {
    const error = await failureOf(run(['sh', '-c', 'echo out; echo first >&2; echo last >&2; exit 3']));
    expect(error).toBeInstanceOf(ProcessError);
    expect(error).toMatchObject({
      code: 'E_PROCESS',
      fix: '',
      result: { exitCode: 3, stdout: 'out\n', stderr: 'first\nlast\n' },
    });
    expect(error.message).toMatchInlineSnapshot(`
      "sh -c echo out; echo first >&2; echo last >&2; exit 3: exit 3
      out
      first
      last"
    `);
  });

  test('the last 20 lines of each stream are in the message', async () => {
    const error = await failureOf(run(['sh', '-c', 'seq 30; exit 1']));
    expect(error.message.split('\n').slice(1)).toEqual(Array.from({ length: 20 }, (_, index) => `${index + 11}`));
  });

  test('an exit code that is allowed, and any', async () => {
    const exit3 = ['sh', '-c', 'exit 3'];
    expect(await run(exit3, { allowedExitCodes: [0, 3] })).toMatchObject({ exitCode: 3 });
    expect(await run(exit3, { allowedExitCodes: 'any' })).toMatchObject({ exitCode: 3 });
    expect((await failureOf(run(['true'], { allowedExitCodes: [1] }))).message).toBe('true: exit 0');
  });

  test('a signal, whatever codes are allowed', async () => {
    const error = await failureOf(run(['sh', '-c', 'kill -TERM $$'], { allowedExitCodes: 'any' }));
    expect(error.message).toBe('sh -c kill -TERM $$: ended by SIGTERM');
  });

  test('one that takes too long is killed, and does not wait for what it started', async () => {
    const startedMs = Date.now();
    const pidFile = join(temporaryDir(), 'pid');
    const argv = ['sh', '-c', 'sleep 20 & echo $! >"$0"; echo started; wait', pidFile];
    const error = await failureOf(run(argv, { timeoutMs: 500 }));
    process.kill(Number(readFileSync(pidFile, 'utf8')));
    expect(Date.now() - startedMs).toBeLessThan(10_000);
    expect(error.message).toBe(`${argv.join(' ')}: still running after 500 ms, killed\nstarted`);
  });

  test('one that does not exist', async () => {
    const error = (await failureOf(run(['no-such-program-7f3a']))) as UserError;
    expect([error.code, error.message, error.fix]).toMatchInlineSnapshot(`
      [
        "E_NO_PROGRAM",
        "no-such-program-7f3a: not found",
        "Install no-such-program-7f3a or add it to PATH.",
      ]
    `);
    expect(error.cause).toMatchObject({ code: 'ENOENT' });
  });

  test('a directory that does not exist', async () => {
    const error = await failureOf(run(['true'], { cwd: '/no/such/directory' }));
    expect(error.message).toBe('true: not found (working directory /no/such/directory)');
  });

  test('one that is not executable is a defect of ours', async () => {
    const error = await failureOf(run([temporaryDir()]));
    expect(error).not.toBeInstanceOf(UserError);
    expect(error).toMatchObject({ code: 'EACCES' });
  });

  test('an empty argument list', async () => {
    expect((await failureOf(run([]))).message).toBe('run: empty argument list');
  });
});
