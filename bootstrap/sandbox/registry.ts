import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { askRegistry } from '../../docker/images/registry.ts';
import upstreamImages from '../../docker/images/upstream-images.json' with { type: 'json' };
import type { Progress } from '../../host/output.ts';
import { readJson } from '../../host/whole-file.ts';

const rememberedMs = 60 * 60 * 1000;
const timeoutMs = 5_000;

interface Answer {
  readonly isReachable: boolean;
  readonly atMs: number;
}

/** Whether an image registry answers this host: tried once, reported in one line, remembered for an hour. */
export async function isRegistryReachable(
  cacheDir: string,
  progress: Progress,
  probe: () => Promise<boolean> = probeRegistry,
  now: () => number = Date.now,
): Promise<boolean> {
  const file = path.join(cacheDir, 'registry.json');
  const known = read(file);
  if (known !== undefined && Math.abs(now() - known.atMs) < rememberedMs) return known.isReachable;
  const isReachable = await probe();
  progress.step(
    isReachable
      ? 'an image registry answers: the official images are used'
      : 'no image registry answers: stand-in images are used (checked again in an hour)',
  );
  mkdirSync(cacheDir, { recursive: true });
  writeFileSync(file, `${JSON.stringify({ isReachable, atMs: now() } satisfies Answer)}\n`);
  return isReachable;
}

/** Uses the docker client, which knows the registry's address and proxy. */
async function probeRegistry(): Promise<boolean> {
  const answer = await askRegistry(upstreamImages.redis, timeoutMs);
  // A registry that lacks the image is reachable too; the checks before a deploy name the wrong tag.
  return answer === 'has' || answer === 'lacks';
}

function read(file: string): Answer | undefined {
  const answer = readJson(file) as Partial<Answer> | undefined;
  if (typeof answer?.isReachable !== 'boolean' || typeof answer.atMs !== 'number') return undefined;
  return { isReachable: answer.isReachable, atMs: answer.atMs };
}
