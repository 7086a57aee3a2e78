import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDotenv } from '../../settings/dotenv.ts';

/** A worker's side of the Worker API. */
export interface Worker {
  readonly request: (
    method: string,
    path: string,
    body?: string | Uint8Array,
    headers?: Record<string, string>,
  ) => Promise<Response>;
}

/** A setting of an instance, as its `.env` has it. */
export function envValue(root: string, env: string, key: string): string {
  const { entries } = parseDotenv(readFileSync(join(root, env, '.env'), 'utf8'), `${env}/.env`);
  const value = entries.find((entry) => entry.key === key)?.value;
  if (value === undefined) throw new Error(`${env}/.env has no ${key}`);
  return value;
}

export function workerOf(root: string, env: string, port = 8081): Worker {
  const base = `http://${envValue(root, env, 'BIND_IP')}:${port}`;
  const token = envValue(root, env, 'WORKER_TOKEN');
  return {
    request: (method, path, body, headers = {}) =>
      fetch(`${base}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...headers },
        signal: AbortSignal.timeout(10_000),
        ...(body === undefined ? {} : { body: body as NonNullable<RequestInit['body']> }),
      }),
  };
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Enqueues, claims and delivers a task. Returns its id. */
export async function completeTask({ request }: Worker, result: Uint8Array): Promise<string> {
  const json = { 'content-type': 'application/json' };
  const created = await request('POST', '/v3/tasks', JSON.stringify({ kind: 'fetch', payload: { url: 'x' } }), json);
  if (created.status !== 201) throw new Error(`enqueue: HTTP ${created.status} ${await created.text()}`);
  const { id } = (await created.json()) as { id: string };
  const claimed = await request('POST', '/v3/tasks/claim', '{}', json);
  if (claimed.status !== 200) throw new Error(`claim: HTTP ${claimed.status} ${await claimed.text()}`);
  const lease = (await claimed.json()) as { id: string; lease_token: string };
  if (lease.id !== id) throw new Error(`claimed ${lease.id} instead of ${id}`);
  const delivered = await request('POST', `/v3/tasks/${id}/result`, result, { 'x-lease-token': lease.lease_token });
  if (delivered.status >= 300) throw new Error(`deliver: HTTP ${delivered.status} ${await delivered.text()}`);
  return id;
}

/** The stored bytes of a task's result. */
export async function fetchResult({ request }: Worker, id: string): Promise<Uint8Array> {
  const answer = await request('GET', `/v3/tasks/${id}/result`);
  if (answer.status !== 200) throw new Error(`result: HTTP ${answer.status} ${await answer.text()}`);
  return new Uint8Array(await answer.arrayBuffer());
}
