import { setTimeout as sleep } from 'node:timers/promises';
import { fetchResult, sha256, type Worker } from './worker.ts';

/** What a worker was promised while faults hit the gateway. */
export interface Promised {
  /** SHA-256 of each result whose delivery was acknowledged, by task id. */
  readonly results: ReadonlyMap<string, string>;
  /** Requests without an answer, or with an error. */
  readonly refused: number;
}

export interface Traffic {
  /** How many results are acknowledged so far. */
  readonly acknowledged: () => number;
  readonly stop: () => Promise<Promised>;
}

/** A worker that enqueues, claims and delivers one task after the other, and continues after any error. */
export function startTraffic({ request }: Worker, pauseMs = 300): Traffic {
  const stopping = new AbortController();
  const results = new Map<string, string>();
  const json = { 'content-type': 'application/json' };
  let [refused, number] = [0, 0];
  const one = async () => {
    number += 1;
    const created = await request('POST', '/v3/tasks', JSON.stringify({ kind: 'fetch', payload: { number } }), json);
    if (created.status !== 201) throw new Error(`enqueue: HTTP ${created.status}`);
    const claimed = await request('POST', '/v3/tasks/claim', '{}', json);
    if (claimed.status !== 200) throw new Error(`claim: HTTP ${claimed.status}`);
    const { id, lease_token } = (await claimed.json()) as { id: string; lease_token: string };
    const body = new TextEncoder().encode(`result ${number} of task ${id} `.repeat(20));
    const delivered = await request('POST', `/v3/tasks/${id}/result`, body, { 'x-lease-token': lease_token });
    if (delivered.status >= 300) throw new Error(`deliver: HTTP ${delivered.status}`);
    results.set(id, sha256(body));
  };
  const ended = (async () => {
    while (!stopping.signal.aborted) {
      await one().catch(() => {
        refused += 1;
      });
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  })();
  return {
    acknowledged: () => results.size,
    async stop() {
      stopping.abort();
      await ended;
      return { results, refused };
    },
  };
}

/** The tasks whose acknowledged result is gone or changed. */
export async function lostResults(worker: Worker, { results }: Promised): Promise<readonly string[]> {
  const lost: string[] = [];
  for (const [id, expected] of results) {
    const found = await fetchResult(worker, id).then(sha256, (error: unknown) => `${error}`);
    if (found !== expected) lost.push(`${id}: ${found}`);
  }
  return lost;
}
