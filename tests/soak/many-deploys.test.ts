import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../host/process.ts';
import { docker, gatewayctl, makeShell, type Shell, tearDown } from '../helpers/engine.ts';
import { setGatewayVersion } from '../helpers/gateway-version.ts';
import { isWriting, markdownTable, writeReliability } from '../helpers/reliability.ts';
import { lostResults, startTraffic } from '../helpers/traffic.ts';
import { workerOf } from '../helpers/worker.ts';
import { bytesBelow, type Footprint, footprint, type Places } from './footprint.ts';

const project = 'taxlien-gateway-dev';
const wantedDeploys = 200;
const deploysPerNoOp = 5;
/** How much slower the last tenth may be than the first, in elapsed time and in processor time of its processes. */
const tolerance = 1.4;
/** Twice the engine's limit: it prunes only now and then. */
const buildCacheLimitGB = 4;
const stateLimitMiB = 50;
const keptImages = 5;

/** Minutes after which no further deploy begins; the rest of the hour is for setup and checks. */
const minutes = Number(process.env.TEST_MINUTES ?? 52);

/** What one run of gatewayctl took. */
interface Took {
  readonly seconds: number;
  /** Of all its processes, without the engine's. */
  readonly processorSeconds: number;
}

interface Course {
  readonly deploys: readonly Took[];
  readonly noOps: readonly Took[];
  readonly minutes: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly lost: readonly string[];
  readonly before: Footprint;
  readonly after: Footprint;
  readonly stateMiB: number;
  readonly buildCacheGB: number;
}

describe('deploys of a changed gateway, one after the other, while a worker works', () => {
  let shell: Shell;
  let places: Places;

  const servedVersion = async () =>
    ((await (await workerOf(shell.root, 'dev').request('GET', '/version')).json()) as { version: string }).version;
  const timed = async (...args: readonly string[]) => {
    const [startedMs, usedBefore] = [performance.now(), await childrensSeconds()];
    const { stdout } = await gatewayctl(shell, args);
    const seconds = (performance.now() - startedMs) / 1000;
    return { stdout, seconds, processorSeconds: (await childrensSeconds()) - usedBefore };
  };

  beforeAll(async () => {
    shell = await makeShell('soak');
    places = { instanceDir: join(shell.root, 'dev'), temporaryDir: join(shell.root, 'tmp') };
    mkdirSync(places.temporaryDir);
    process.env.TMPDIR = places.temporaryDir;
    await gatewayctl(shell, ['init', 'dev', '--bind-ip', '127.0.10.1']);
    appendFileSync(join(places.instanceDir, '.env'), 'RATE_LIMIT_PER_MINUTE=1000000\n');
    await gatewayctl(shell, ['up', 'dev']);
  });

  afterAll(async () => {
    await tearDown(shell, 'dev');
  });

  async function runCourse(): Promise<Course> {
    const before = await footprint(project, places);
    const startedMs = performance.now();
    const traffic = startTraffic(workerOf(shell.root, 'dev'));
    const [deploys, noOps]: [Took[], Took[]] = [[], []];
    const isTimeLeft = () => performance.now() - startedMs < minutes * 60_000;
    while (deploys.length < wantedDeploys && isTimeLeft()) {
      const version = `3.0.${deploys.length + 1}`;
      setGatewayVersion(shell.checkout.dir, version);
      deploys.push(await timed('up', 'dev'));
      expect(await servedVersion()).toBe(version);
      if (deploys.length % deploysPerNoOp !== 0) continue;
      const noOp = await timed('up', 'dev');
      expect(noOp.stdout).toMatch(/^ +\d+ unchanged$/m);
      noOps.push(noOp);
    }
    const promised = await traffic.stop();
    return {
      deploys,
      noOps,
      minutes: (performance.now() - startedMs) / 60_000,
      acknowledged: promised.results.size,
      refused: promised.refused,
      lost: await lostResults(workerOf(shell.root, 'dev'), promised),
      before,
      after: await footprint(project, places),
      stateMiB:
        (bytesBelow(join(places.instanceDir, 'state')) + bytesBelow(join(places.instanceDir, 'backups'))) / 2 ** 20,
      buildCacheGB: await buildCacheGB(),
    };
  }

  test('lose no result, leave nothing behind and do not get slower', async () => {
    const course = await runCourse();
    const problems = problemsOf(course);
    if (isWriting) writeReliability('soak', section(course, problems));
    expect(problems).toEqual([]);
  });
});

/** Processor time of all processes that this one started and that have ended, in seconds. */
async function childrensSeconds(): Promise<number> {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  // Fields 16 and 17; the second one is a name that may hold blanks.
  const [user = '', system = ''] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(13, 15);
  return (Number(user) + Number(system)) / (await ticksPerSecond);
}

const ticksPerSecond = run(['getconf', 'CLK_TCK']).then(({ stdout }) => Number(stdout));

/** The median of the first tenth and of the last; of at least three values, if there are as many. */
function ends(values: readonly number[]): { readonly first: number; readonly last: number } {
  const count = Math.max(3, Math.floor(values.length / 10));
  const median = (part: readonly number[]) =>
    [...part].sort((a, b) => a - b)[Math.floor(part.length / 2)] ?? Number.NaN;
  return { first: median(values.slice(0, count)), last: median(values.slice(-count)) };
}

async function buildCacheGB(): Promise<number> {
  const size = await docker('system', 'df', '--format', '{{if eq .Type "Build Cache"}}{{.Size}}{{end}}');
  const [, number, unit = ''] = /^([\d.]+)([kMG]?)B$/.exec(size) ?? [];
  const gigabytes = { '': 1e-9, k: 1e-6, M: 1e-3, G: 1 }[unit];
  if (gigabytes === undefined) throw new Error(`build cache: no size (got ${size})`);
  return Number(number) * gigabytes;
}

const more = (before: readonly string[], after: readonly string[]) => after.filter((name) => !before.includes(name));

/** What must not get slower, with its values in seconds. */
const times = ({ deploys, noOps }: Course) => [
  { name: 'a deploy', values: deploys.map(({ seconds }) => seconds) },
  { name: 'a deploy of nothing new', values: noOps.map(({ seconds }) => seconds) },
  { name: 'processor time of a deploy', values: deploys.map(({ processorSeconds }) => processorSeconds) },
  { name: 'processor time of one of nothing new', values: noOps.map(({ processorSeconds }) => processorSeconds) },
];

function problemsOf(course: Course): readonly string[] {
  const { before, after } = course;
  const unexpected = (['containers', 'networks', 'volumes', 'otherImages', 'temporaryFiles', 'instanceFiles'] as const)
    .map((kind) => ({ kind, names: more(before[kind], after[kind]) }))
    .filter(({ names }) => names.length > 0)
    .map(({ kind, names }) => `${names.length} more ${kind}: ${names.slice(0, 5).join(', ')}`);
  const slower = times(course)
    .map(({ name, values }) => ({ name, ...ends(values) }))
    // Negated: NaN, of no values, is a problem too.
    .filter(({ first, last }) => !(last <= first * tolerance))
    .map(({ name, first, last }) => `${name}: ${first.toFixed(1)} s at first, ${last.toFixed(1)} s at last`);
  return [
    ...unexpected,
    ...slower,
    ...(course.acknowledged === 0 ? ['no result was acknowledged'] : []),
    ...course.lost.map((line) => `lost ${line}`),
    ...(after.ownImages.length > keptImages ? [`${after.ownImages.length} images of this environment`] : []),
    ...(course.buildCacheGB <= buildCacheLimitGB ? [] : [`the build cache takes ${course.buildCacheGB.toFixed(1)} GB`]),
    ...(course.stateMiB < stateLimitMiB ? [] : [`state and its copies take ${course.stateMiB.toFixed(1)} MiB`]),
  ];
}

function section(course: Course, problems: readonly string[]): string {
  const { before, after, deploys, noOps } = course;
  const seconds = (value: number) => `${value.toFixed(1)} s`;
  const count = (name: string, kind: keyof Footprint, limit = 'no more') => [
    name,
    `${before[kind].length}`,
    `${after[kind].length}`,
    limit,
  ];
  const done = deploys.length;
  const why = done < wantedDeploys ? `; the time was up before ${wantedDeploys}` : '';
  return [
    `${done} deploys, each of a changed gateway, and ${noOps.length} of nothing new, in`,
    `${Math.round(course.minutes)} minutes on ${cpus().length} cores${why}.`,
    `A worker had ${course.acknowledged} results acknowledged meanwhile, ${course.lost.length} of which were lost;`,
    `${course.refused} of its rounds met the downtime of a swap and were given up.`,
    '',
    markdownTable(
      ['', 'at first', 'at last', 'limit'],
      [
        count('containers', 'containers'),
        count('networks', 'networks'),
        count('volumes', 'volumes'),
        count('images that this environment built', 'ownImages', `${keptImages}`),
        count('other images', 'otherImages'),
        count('temporary files and directories', 'temporaryFiles'),
        count("files of the instance, without data and the state's copies", 'instanceFiles'),
        ['state and its copies', '', `${course.stateMiB.toFixed(1)} MiB`, `${stateLimitMiB} MiB`],
        ["the engine's build cache", '', `${course.buildCacheGB.toFixed(1)} GB`, `${buildCacheLimitGB} GB`],
        ...times(course).map(({ name, values }) => {
          const { first, last } = ends(values);
          return [`${name}, median of a tenth`, seconds(first), seconds(last), `at most × ${tolerance}`];
        }),
      ],
    ),
    '',
    'By the clock a deploy takes longer on a machine that does other work meanwhile; its processor time hardly changes.',
    '',
    `Result: ${problems.length === 0 ? 'held' : `failed: ${problems.join('; ')}`}.`,
  ].join('\n');
}
