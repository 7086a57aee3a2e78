import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { imageMajorOf, type Pin, pinsIn, pinsOf, readingOf, requireRecorded } from '../../../../docker/images/pins.ts';
import upstreamImages from '../../../../docker/images/upstream-images.json' with { type: 'json' };
import type { UserError } from '../../../../host/errors.ts';
import { testCheckout } from '../../../helpers/checkout.ts';
import { workTree } from '../../../helpers/engine.ts';

const redis = (reference: string): Pin => ({ service: 'redis', file: 'docker/images/upstream-images.json', reference });

/** Why a pin is refused; undefined if it is not. */
function refusal(...args: Parameters<typeof requireRecorded>): string | undefined {
  try {
    requireRecorded(...args);
    return undefined;
  } catch (error) {
    return `${(error as UserError).code} ${(error as UserError).message}`;
  }
}

describe('every pin has the source and date of its tag', () => {
  test.each(pinsOf(workTree))('$service: $reference', (pin) => {
    expect(refusal(pin)).toBeUndefined();
  });

  test('the readings are dated, not after today, and list each tag once', () => {
    const text = readFileSync(join(workTree, 'docker/images/image-tags.json'), 'utf8');
    const readings = JSON.parse(text) as { repository: string; tags: string[]; readOn: string }[];
    const references = readings.flatMap(({ repository, tags }) => tags.map((tag) => `${repository}:${tag}`));
    expect(references.length).toBeGreaterThan(10);
    expect(new Set(references).size).toBe(references.length);
    for (const { readOn } of readings) expect(new Date(`${readOn}T00:00:00Z`).toISOString().slice(0, 10)).toBe(readOn);
  });

  test('a tag that is not recorded is named', () => {
    expect(refusal(redis('redis:7.4.7-alpine3.23'))).toMatchInlineSnapshot(
      `"E_IMAGE_UNRECORDED docker/images/upstream-images.json: redis:7.4.7-alpine3.23 must be a tag of docker/images/image-tags.json, with source and date (got only 7.4.11-alpine3.21, 7.4.11, 7.4.11-alpine, 7.4.11-bookworm)"`,
    );
    expect(refusal(redis('valkey/valkey:8'))).toMatchInlineSnapshot(
      `"E_IMAGE_UNRECORDED docker/images/upstream-images.json: valkey/valkey:8 must be a tag of docker/images/image-tags.json, with source and date (got nothing of valkey/valkey)"`,
    );
  });

  test.each([
    ['no source', { source: ' ', readOn: '2026-11-27' }],
    ['no date', { source: "Docker's list of official images", readOn: '' }],
    ['no date', { source: "Docker's list of official images", readOn: 'last week' }],
  ])('a reading with %s is none', (lack, reading) => {
    const recorded = [{ repository: 'redis', tags: ['7.4.11'], ...reading }];
    expect(refusal(redis('redis:7.4.11'), recorded)).toContain(`(got ${lack})`);
  });
});

test('a tag is found in any surrounding text', () => {
  const recorded = [{ repository: '127.0.0.1:5000/redis', tags: ['7', 'latest'], source: 's', readOn: '2026-11-27' }];
  const found = (reference: string) => readingOf(reference, recorded) !== undefined;
  expect(['127.0.0.1:5000/redis:7', '127.0.0.1:5000/redis:7@sha256:ab', '127.0.0.1:5000/redis'].map(found)).toEqual([
    true,
    true,
    true,
  ]);
  expect(['redis:7', '127.0.0.1:5000/redis:8'].map(found)).toEqual([false, false]);
});

test('the bases of the gateway are the images of FROM, without its own stages and build arguments', () => {
  const dockerfile = [
    'ARG BASE=alpine:3',
    '# FROM comment:1',
    'FROM --platform=linux/amd64 golang:1.2.3-bookworm AS Build',
    'from docker.io/library/alpine:3.23 as certs',
    'FROM golang:1.2.3-bookworm AS test',
    'FROM build AS again',
    `FROM \${BASE}`,
    'FROM scratch',
    'COPY --from=build /out /out',
  ].join('\n');
  const bases = pinsIn(upstreamImages, dockerfile).filter(({ service }) => service === 'gateway');
  expect(bases.map(({ file, reference }) => `${file} ${reference}`)).toEqual([
    'Dockerfile.gateway golang:1.2.3-bookworm',
    'Dockerfile.gateway docker.io/library/alpine:3.23',
  ]);
});

test('all upstream images are pins, and a gateway from scratch adds none', () => {
  const pins = pinsOf(testCheckout());
  expect(Object.fromEntries(pins.map(({ service, reference }) => [service, reference]))).toEqual(upstreamImages);
});

test('the major version of an image is that of its tag', () => {
  expect((['postgres', 'redis', 'prometheus', 'grafana', 'raw'] as const).map(imageMajorOf)).toEqual([
    '16',
    '7',
    '3',
    '12',
    '',
  ]);
});
