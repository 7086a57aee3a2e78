import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { standInReferences } from '../../../../../bootstrap/sandbox/images/stand-ins.ts';
import upstreamImages from '../../../../../docker/images/upstream-images.json' with { type: 'json' };
import { workTree } from '../../../../helpers/engine.ts';

const dockerfile = readFileSync(join(workTree, 'Dockerfile.gateway'), 'utf8');

test('there is a stand-in for each pin and for the base image of the gateway', () => {
  expect(standInReferences(upstreamImages, dockerfile)).toEqual({
    ...upstreamImages,
    golang: expect.stringMatching(/^golang:\d+\.\d+\.\d+-bookworm$/),
  });
});

test('an unrecorded tag is refused, as by a registry that lacks it', () => {
  const refused = (call: () => unknown, reference: string) =>
    expect(call).toThrow(
      expect.objectContaining({ code: 'E_IMAGE_UNRECORDED', message: expect.stringContaining(reference) }),
    );
  const redis = 'redis:7.4.7-alpine3.23';
  refused(() => standInReferences({ ...upstreamImages, redis }, dockerfile), redis);
  refused(() => standInReferences(upstreamImages, 'FROM golang:1.2.3-bookworm\n'), 'golang:1.2.3-bookworm');
});

test.each([
  ['FROM postgres:16.15-alpine3.23\n', 'postgres:16.15-alpine3.23'],
  [`${dockerfile}FROM postgres:16.15-alpine3.23\n`, 'golang:1.26.9-bookworm, postgres:16.15-alpine3.23'],
  ['FROM scratch\n', 'none'],
])('a gateway with a base other than golang alone is refused: %j', (text, got) => {
  expect(() => standInReferences(upstreamImages, text)).toThrow(
    expect.objectContaining({ code: 'E_GATEWAY_BASE', message: expect.stringContaining(`(got ${got})`) }),
  );
});
