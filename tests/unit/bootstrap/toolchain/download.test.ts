import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { checksumOf, download } from '../../../../bootstrap/toolchain/download.ts';
import { platformOf, type Unit, units } from '../../../../bootstrap/toolchain/parts.ts';

const engine = units[0] as Unit;
const archiveName = 'pulumi-v3.259.0-linux-x64.tar.gz';
const progress = { step: () => {}, tick: () => {}, done: () => {} };
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'download-'));
});

afterEach(() => rmSync(dir, { recursive: true }));

function optionsWith(fetch: typeof globalThis.fetch, now = 0) {
  return {
    platform: platformOf('linux', 'x64'),
    stagingDir: join(dir, 'new'),
    memoryFile: join(dir, 'unreachable.json'),
    progress,
    fetch,
    now: () => now,
  };
}

/** A release server with an archive of two small programs. */
function releaseOf(checksum: (archive: Buffer) => string): typeof globalThis.fetch {
  mkdirSync(join(dir, 'pulumi'));
  for (const program of ['pulumi', 'pulumi-language-nodejs']) writeFileSync(join(dir, 'pulumi', program), program);
  execFileSync('tar', ['-czf', archiveName, 'pulumi'], { cwd: dir });
  const archive = readFileSync(join(dir, archiveName));
  return async (url) =>
    String(url).endsWith('checksums.txt')
      ? new Response(`${'0'.repeat(64)}  other.tar.gz\n${checksum(archive)}  ${archiveName}\n`)
      : new Response(archive);
}

test.each([
  ['text mode', `${'a'.repeat(64)}  x.tar.gz\n`, 'a'.repeat(64)],
  ['binary mode', `${'B'.repeat(64)} *x.tar.gz\n`, 'b'.repeat(64)],
  ['with ./ and CR', `${'a'.repeat(64)}  ./x.tar.gz\r\n`, 'a'.repeat(64)],
  ['a name that only ends alike', `${'a'.repeat(64)}  not-x.tar.gz\n`, undefined],
  ['too short', `${'a'.repeat(63)}  x.tar.gz\n`, undefined],
  ['an error page', '<html>404</html>', undefined],
])('checksum list: %s', (_case, list, checksum) => {
  expect(checksumOf(list, 'x.tar.gz')).toBe(checksum);
});

test('a verified release gives executable programs and nothing else', async () => {
  const fetch = releaseOf((archive) => createHash('sha256').update(archive).digest('hex'));
  const result = await download(engine, optionsWith(fetch));
  expect(result).toMatchObject({ parts: [{ version: '3.259.0', origin: 'official' }, { origin: 'official' }] });
  expect(readdirSync(join(dir, 'new'), { recursive: true }).sort()).toEqual([
    'bin',
    'bin/pulumi',
    'bin/pulumi-language-nodejs',
  ]);
});

test('a changed archive is an error, and nothing of it is used', async () => {
  const fetch = releaseOf(() => 'f'.repeat(64));
  await expect(download(engine, optionsWith(fetch))).rejects.toThrow(/SHA-256 must be f{64}, as .*checksums\.txt says/);
  expect(existsSync(join(dir, 'new', 'bin'))).toBe(false);
});

test('a host that cannot be reached is left alone for an hour', async () => {
  const cause = Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' });
  const fetch = vi.fn(() => Promise.reject(new TypeError('fetch failed', { cause })));
  expect(await download(engine, optionsWith(fetch, 0))).toEqual({
    problem: 'get.pulumi.com cannot be reached (ENOTFOUND)',
  });
  expect(await download(engine, optionsWith(fetch, 3_599_999))).toEqual({
    problem: 'get.pulumi.com could not be reached within the last hour (ENOTFOUND)',
  });
  expect(fetch).toHaveBeenCalledTimes(1);
  await download(engine, optionsWith(fetch, 3_600_000));
  expect(fetch).toHaveBeenCalledTimes(2);
});

test('a release that is not there is asked for again next time', async () => {
  const fetch = vi.fn(async () => new Response('', { status: 404 }));
  const expected = {
    problem: 'https://get.pulumi.com/releases/sdk/pulumi-3.259.0-checksums.txt: HTTP 404',
  };
  expect(await download(engine, optionsWith(fetch))).toEqual(expected);
  expect(await download(engine, optionsWith(fetch))).toEqual(expected);
});

test('a silent host is given up after 5 s', async () => {
  vi.useFakeTimers();
  try {
    const fetch = ((_url: unknown, { signal }: { signal: AbortSignal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      })) as unknown as typeof globalThis.fetch;
    const result = download(engine, optionsWith(fetch));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await result).toEqual({ problem: 'get.pulumi.com cannot be reached (no answer within 5 s)' });
  } finally {
    vi.useRealTimers();
  }
});
