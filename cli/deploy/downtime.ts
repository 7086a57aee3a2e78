import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../../settings/load.ts';
import { type ServiceName, services } from '../../settings/services.ts';
import type { PortDowntime } from './record.ts';

/** A request that a ready service answers, and the pattern of its answer. */
const questions: Readonly<Record<ServiceName, { readonly text: string; readonly answer: RegExp }>> = {
  gateway: http('/readyz'),
  // SSLRequest: answered with one letter, before any login.
  db: { text: '\0\0\0\x08\x04\xd2\x16\x2f', answer: /^[NS]/ },
  redis: { text: 'PING\r\n', answer: /^[+-]/ },
  prometheus: http('/-/ready'),
  grafana: http('/api/health'),
};

function http(path: string) {
  return { text: `GET ${path} HTTP/1.0\r\nHost: localhost\r\n\r\n`, answer: /^HTTP\/1\.[01] 200 / };
}

// Workers notice downtime of the gateway; the others are probed less often.
const pollMs = (service: ServiceName) => (service === 'gateway' ? 40 : 100);
const probeTimeoutMs = 1_000;

/** Downtime of a port that has answered once: from the request of the last good answer to the next good answer. */
export class Downtime {
  #lastGoodMs: number | undefined;
  #isDown = false;
  #totalMs = 0;

  note(askedMs: number, answeredMs: number, isGood: boolean): void {
    if (!isGood) {
      this.#isDown = true;
      return;
    }
    if (this.#isDown && this.#lastGoodMs !== undefined) this.#totalMs += answeredMs - this.#lastGoodMs;
    this.#isDown = false;
    this.#lastGoodMs = askedMs;
  }

  /** @param nowMs end of a downtime that is not over */
  totalMs(nowMs: number): number {
    const isLasting = this.#isDown && this.#lastGoodMs !== undefined;
    return this.#totalMs + (isLasting ? nowMs - (this.#lastGoodMs ?? nowMs) : 0);
  }
}

/**
 * Probes each published port as a client would, until stopped.
 * @returns stops the probes and returns the downtime of each port
 */
export function watchPorts(settings: Settings): () => Promise<readonly PortDowntime[]> {
  const stopping = new AbortController();
  const watched = services
    .filter((service) => settings.isPublished[service])
    .map((service) => {
      const downtime = new Downtime();
      return { service, downtime, ended: watch(settings, service, downtime, stopping.signal) };
    });
  return async () => {
    stopping.abort();
    await Promise.all(watched.map(({ ended }) => ended));
    const nowMs = performance.now();
    return watched.map(({ service, downtime }) => ({ service, ms: downtime.totalMs(nowMs) }));
  };
}

/** One line for each port that was down. */
export const downtimeLines = (downtime: readonly PortDowntime[]): readonly string[] =>
  downtime.filter(({ ms }) => ms > 0).map(({ service, ms }) => `${service}: down for ${downtimeSeconds(ms)} s`);

/** Rounded up: any downtime shows as more than 0.0. */
export const downtimeSeconds = (ms: number) => (Math.ceil(ms / 100) / 10).toFixed(1);

async function watch(settings: Settings, service: ServiceName, downtime: Downtime, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const askedMs = performance.now();
    const isGood = await probe(settings.bindIp, settings.ports[service], questions[service]);
    downtime.note(askedMs, performance.now(), isGood);
    await sleep(Math.max(0, pollMs(service) - (performance.now() - askedMs)), undefined, { signal }).catch(() => {});
  }
}

function probe(host: string, port: number, { text, answer }: { text: string; answer: RegExp }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (isGood: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isGood);
    };
    const timer = setTimeout(() => end(false), probeTimeoutMs);
    socket.once('connect', () => socket.write(text, 'latin1'));
    socket.once('data', (data) => end(answer.test(data.toString('latin1'))));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
