import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { checksumOf, download, mirrorUrl } from '../../../../bootstrap/toolchain/download.ts';
import { platformOf, type Unit, units } from '../../../../bootstrap/toolchain/parts.ts';

const engine = units[0] as Unit;

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

const sha1 = 'c'.repeat(40);
const sha256 = 'a'.repeat(64);

test.each([
  ['sha256sum', `${sha256}  x.tar.gz\n`, { algorithm: 'sha256', checksum: sha256 }],
  ['binary mode', `${'B'.repeat(64)} *x.tar.gz\n`, { algorithm: 'sha256', checksum: 'b'.repeat(64) }],
  ['shasum ./*.tar.gz', `${sha1}  ./w.tar.gz\n${sha1}  ./x.tar.gz\n`, { algorithm: 'sha1', checksum: sha1 }],
  ['with ./ and CR', `${sha256}  ./x.tar.gz\r\n`, { algorithm: 'sha256', checksum: sha256 }],
  ['a name that only ends alike', `${sha256}  not-x.tar.gz\n`, undefined],
  ['too short', `${'a'.repeat(63)}  x.tar.gz\n`, undefined],
  ['neither of the two lengths', `${'a'.repeat(56)}  x.tar.gz\n`, undefined],
  ['an error page', '<html>404</html>', undefined],
])('checksum list: %s', (_case, list, expected) => {
  expect(checksumOf(list, 'x.tar.gz', ['sha256', 'sha1'])).toEqual(expected);
});

test('a checksum of an algorithm that is not accepted is ignored', () => {
  expect(checksumOf(`${sha1}  x.tar.gz\n`, 'x.tar.gz', ['sha256'])).toBeUndefined();
});

test.each([
  [undefined, undefined],
  ['', undefined],
  ['https://mirror.example.org/pulumi//', 'https://mirror.example.org/pulumi'],
  ['file:///mnt/pulumi', 'file:///mnt/pulumi'],
])('TAXLIEN_GATEWAY_MIRROR=%s', (given, url) => {
  expect(mirrorUrl({ TAXLIEN_GATEWAY_MIRROR: given })).toBe(url);
});

test.each([
  ['/mnt/pulumi', '/mnt/pulumi'],
  ['ftp://mirror.example.org', 'ftp://mirror.example.org'],
  ['https://user:secret@mirror.example.org', 'https://***@mirror.example.org'],
])('TAXLIEN_GATEWAY_MIRROR=%s is refused', (given, got) => {
  const message = `TAXLIEN_GATEWAY_MIRROR: must be a URL of http, https or file, without a user (got ${got})`;
  expect(() => mirrorUrl({ TAXLIEN_GATEWAY_MIRROR: given })).toThrow(message);
});

test('a host that cannot be reached is not tried again for an hour', async () => {
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

test('a missing release is requested again next time', async () => {
  const fetch = vi.fn(async () => new Response('', { status: 404 }));
  const expected = {
    problem: 'https://get.pulumi.com/releases/sdk/pulumi-3.259.0-checksums.txt: HTTP 404',
  };
  expect(await download(engine, optionsWith(fetch))).toEqual(expected);
  expect(await download(engine, optionsWith(fetch))).toEqual(expected);
});

test('a host that does not answer is given up after 5 s', async () => {
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
