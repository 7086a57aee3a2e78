import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Settings } from '../../settings/load.ts';
import { type ServiceName, services } from '../../settings/services.ts';
import type { PortSilence } from './record.ts';

/** A question that a service answers when it serves, and what its answer looks like. */
const questions: Readonly<Record<ServiceName, { readonly text: string; readonly answer: RegExp }>> = {
  gateway: http('/readyz'),
  // SSLRequest: answered with one letter before anybody is asked for a password.
  db: { text: '\0\0\0\x08\x04\xd2\x16\x2f', answer: /^[NS]/ },
  redis: { text: 'PING\r\n', answer: /^[+-]/ },
  prometheus: http('/-/ready'),
  grafana: http('/api/health'),
};

function http(path: string) {
  return { text: `GET ${path} HTTP/1.0\r\nHost: localhost\r\n\r\n`, answer: /^HTTP\/1\.[01] 200 / };
}

// The gateway is what workers notice; the others are asked less often.
const pollMs = (service: ServiceName) => (service === 'gateway' ? 40 : 100);
const probeTimeoutMs = 1_000;

/** How long a port that once answered did not, from the last good answer's question to the next good answer. */
export class Silence {
  #lastGoodMs: number | undefined;
  #isSilent = false;
  #totalMs = 0;

  note(askedMs: number, answeredMs: number, isGood: boolean): void {
    if (!isGood) {
      this.#isSilent = true;
      return;
    }
    if (this.#isSilent && this.#lastGoodMs !== undefined) this.#totalMs += answeredMs - this.#lastGoodMs;
    this.#isSilent = false;
    this.#lastGoodMs = askedMs;
  }

  /** @param nowMs end of a silence that still lasts */
  totalMs(nowMs: number): number {
    const isLasting = this.#isSilent && this.#lastGoodMs !== undefined;
    return this.#totalMs + (isLasting ? nowMs - (this.#lastGoodMs ?? nowMs) : 0);
  }
}

/**
 * Asks each published port over and over, as a client would, until stopped.
 * @returns stops, and tells of each port for how long it was silent
 */
export function watchPorts(settings: Settings): () => Promise<readonly PortSilence[]> {
  const stopping = new AbortController();
  const watched = services
    .filter((service) => settings.isPublished[service])
    .map((service) => {
      const silence = new Silence();
      return { service, silence, ended: watch(settings, service, silence, stopping.signal) };
    });
  return async () => {
    stopping.abort();
    await Promise.all(watched.map(({ ended }) => ended));
    const nowMs = performance.now();
    return watched.map(({ service, silence }) => ({ service, ms: silence.totalMs(nowMs) }));
  };
}

/** One line for each port that was silent. */
export const silenceLines = (silence: readonly PortSilence[]): readonly string[] =>
  silence.filter(({ ms }) => ms > 0).map(({ service, ms }) => `${service}: silent ${silentSeconds(ms)} s`);

/** Rounded up: no silence is told as none. */
export const silentSeconds = (ms: number) => (Math.ceil(ms / 100) / 10).toFixed(1);

async function watch(settings: Settings, service: ServiceName, silence: Silence, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const askedMs = performance.now();
    const isGood = await probe(settings.bindIp, settings.ports[service], questions[service]);
    silence.note(askedMs, performance.now(), isGood);
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
