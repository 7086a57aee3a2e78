import { expect, test } from 'vitest';
import { golangImage } from '../../../../../bootstrap/sandbox/images/stand-ins.ts';

test.each([
  'FROM golang:1.2.3-bookworm AS build\nFROM scratch\n',
  '# comment\nARG X=1\nFROM --platform=linux/amd64 golang:1.2.3-bookworm\n',
])('the build image is what the first FROM names', (dockerfile) => {
  expect(golangImage(dockerfile)).toBe('golang:1.2.3-bookworm');
});

test('a gateway that is not built on golang is not guessed at', () => {
  expect(() => golangImage('FROM alpine:3\n')).toThrow('must name a golang image (got alpine:3)');
});
