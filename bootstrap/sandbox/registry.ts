import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import type { Progress } from '../../cli/output.ts';

const registry = 'registry-1.docker.io';
const rememberedMs = 60 * 60 * 1000;
const timeoutMs = 3_000;

interface Answer {
  readonly isReachable: boolean;
  readonly atMs: number;
}

/** Whether Docker Hub's registry answers this host: tried once, said in one line, remembered for an hour. */
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
      ? `image registry ${registry} answers: the official images are used`
      : `image registry ${registry} does not answer: stand-in images are used (asked again in an hour)`,
  );
  mkdirSync(cacheDir, { recursive: true });
  writeFileSync(file, `${JSON.stringify({ isReachable, atMs: now() } satisfies Answer)}\n`);
  return isReachable;
}

function probeRegistry(): Promise<boolean> {
  return new Promise((resolve) => {
    const call = https.get({ host: registry, path: '/v2/', timeout: timeoutMs }, (response) => {
      response.resume();
      // 401: it wants a token, which pulls fetch themselves.
      resolve(response.statusCode === 200 || response.statusCode === 401);
    });
    const timer = setTimeout(() => call.destroy(new Error('timeout')), timeoutMs);
    call.on('error', () => resolve(false));
    call.on('close', () => clearTimeout(timer));
  });
}

function read(file: string): Answer | undefined {
  try {
    const answer = JSON.parse(readFileSync(file, 'utf8')) as Partial<Answer>;
    if (typeof answer.isReachable !== 'boolean' || typeof answer.atMs !== 'number') return undefined;
    return { isReachable: answer.isReachable, atMs: answer.atMs };
  } catch {
    return undefined;
  }
}
