import { expect, test } from 'vitest';
import { DataCopier } from '../../../../cli/data/data-copy.ts';
import type { RunResult } from '../../../../host/process.ts';
import { FakeDocker } from '../../../helpers/fake-docker.ts';
import { testSettings } from '../../../helpers/instance.ts';
import { refusal } from '../../../helpers/refusal.ts';

interface Helper {
  readonly program: string | undefined;
  /** Source of each mount, `!` before one that is writable. */
  readonly mounts: readonly string[];
  readonly args: readonly string[];
}

/** A copier with helper containers that answer so. */
function copierWith(answer: (helper: Helper) => Partial<RunResult> = () => ({})) {
  const helpers: Helper[] = [];
  const removed: string[] = [];
  const docker = new FakeDocker((args) => {
    if (args[0] === 'rm') {
      removed.push(args.slice(1).join(' '));
      // Most times there is none to remove.
      return { exitCode: 1, stderr: 'No such container' };
    }
    const mounts = args.filter((_, at) => args[at - 1] === '--mount');
    const helper = {
      program: args[args.indexOf('--entrypoint') + 1],
      mounts: mounts.map((text) => `${text.endsWith(',readonly') ? '' : '!'}${/source=([^,]*)/.exec(text)?.[1]}`),
      args: args.slice(args.indexOf('the-image') + 1),
    };
    helpers.push(helper);
    return answer(helper);
  });
  return { copier: new DataCopier(testSettings(), docker, 'the-image'), helpers, removed };
}

const from = { type: 'volume', source: 'old' } as const;
const to = { type: 'bind', source: '/srv/new' } as const;

/** Helper containers that see these files in each tree. */
const seeing = (trees: Readonly<Record<string, string>>) =>
  copierWith(({ program, mounts, args }) => {
    if (program !== 'find') return {};
    const hashes = trees[mounts[0] ?? ''] ?? '';
    return { stdout: args.includes('sha256sum') ? hashes : './a regular file 600 70 70\n' };
  });

test('the size is in bytes', async () => {
  const { copier, helpers, removed } = copierWith(() => ({ stdout: '12\t.\n' }));
  expect(await copier.size(from)).toBe(12 * 1024);
  expect(helpers).toEqual([{ program: 'du', mounts: ['old'], args: ['-sk', '.'] }]);
  expect(removed).toEqual(['--force taxlien-gateway-dev-copy']);
});

test('a copy replaces what an earlier run left, reaches the disk, and is compared', async () => {
  const { copier, helpers, removed } = seeing({ old: 'h1  ./a\nh2  ./b\n', '/srv/new/raw': 'h2  ./b\nh1  ./a\n' });
  expect(await copier.copy(from, to, 'raw')).toEqual({ files: 2, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(helpers.slice(0, 3)).toEqual([
    { program: 'rm', mounts: ['old', '!/srv/new'], args: ['-rf', '--', '/to/raw'] },
    { program: 'cp', mounts: ['old', '!/srv/new'], args: ['-a', '/from', '/to/raw'] },
    { program: 'sync', mounts: ['old', '!/srv/new'], args: [] },
  ]);
  expect(helpers.slice(3).map(({ mounts }) => mounts[0])).toEqual(['old', 'old', '/srv/new/raw', '/srv/new/raw']);
  // The container of a killed run is removed before each helper.
  expect(removed).toHaveLength(helpers.length);
});

test.each([
  ['a file that is missing', 'h1  ./a\n', 1],
  ['a byte that differs', 'h1  ./a\nh3  ./b\n', 2],
  ['no file at all', '', 0],
])('%s is an error', async (_, found, files) => {
  const { copier } = seeing({ old: 'h1  ./a\nh2  ./b\n', '/srv/new/raw': found });
  expect(await refusal(copier.copy(from, to, 'raw'))).toBe(
    `E_COPY_DIFFERS /srv/new/raw: differs from old after the copy (got ${files} files, expected 2). Find the process that writes there, or check the disk (Linux: sudo dmesg), then run the same command again.`,
  );
});

test('an owner that differs is an error too', async () => {
  const { copier } = copierWith(({ program, mounts, args }) => {
    if (program !== 'find' || args.includes('sha256sum')) return {};
    return { stdout: `. directory 700 ${mounts[0] === 'old' ? 70 : 0} 70\n` };
  });
  expect(await refusal(copier.copy(from, to, 'raw'))).toMatch(/^E_COPY_DIFFERS .*\(got 0 files, expected 0\)/);
});

test('a disk that is full ends the copy before it is compared', async () => {
  const { copier, helpers } = copierWith(({ program }) =>
    program === 'cp' ? { exitCode: 1, stderr: 'No space left on device' } : {},
  );
  expect(await refusal(copier.copy(from, to, 'raw'))).toMatch(/^E_PROCESS [^\n]*: exit 1\nNo space left on device/);
  expect(helpers.map(({ program }) => program)).toEqual(['rm', 'cp']);
});

test('the names at the top of a tree, and a change in it', async () => {
  const { copier, helpers } = copierWith(({ program }) => ({ stdout: program === 'ls' ? 'dump.rdb\n.keep\n' : '' }));
  expect(await copier.names(to)).toEqual(['dump.rdb', '.keep']);
  await copier.change(to, ['chmod', '0700', '.']);
  expect(helpers.map(({ mounts }) => mounts)).toEqual([['/srv/new'], ['!/srv/new']]);
  expect(await copierWith().copier.names(to)).toEqual([]);
});
