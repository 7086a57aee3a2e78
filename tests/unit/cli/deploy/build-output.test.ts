import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { failedBuildOutput, failedStepOutput } from '../../../../cli/deploy/build-output.ts';
import { gatewayBuild } from '../../../../components/services/gateway.ts';
import { testCheckout } from '../../../helpers/checkout.ts';
import { testSettings } from '../../../helpers/instance.ts';
import { temporaryDir } from '../../../helpers/temporary.ts';

/** The end of an engine's answer to a build whose last step failed after two lines; the first record is of another step. */
const trace = [
  'Co4CCkdzaGEyNTY6MzE1M2U3NTI5NzcyNzZkZjhmMDk1YmNlZjM5M2M5ZWFkNjRiODE4ZjlkZTRhOWRhN2IzMTZhZjY3N2VkNTNlORJHc2hhMjU2OjRkMjRkMjU2MDZhMmM2NjllNDg0MGE5MGYwM2ViY2FiNDM5MGFjZDNmMmVlMzU1MWE1YTBhMTgzNjEyNWNlODUSR3NoYTI1NjozZGE1M2FmNmNlOWIzYzMxNGI5ZjI0ZDI4NmJhMmI1MWIxOTgwZDUwY2U5OTA1Y2RiYWRlMTAxMDllOTEzYmJkGhNbMi8zXSBDT1BZIGNtZCAvY21kIAEqDAiXhpPYBhDciLHOAzIMCJeGk9gGENr5sc4DCrgBCkdzaGEyNTY6ZWYwMzZlZGJhYmU0NWJlODU1ODZiZTE3M2VjNzI4YzA5OTQ3N2EyMWZkMTA0ZDI2YzdiYWQ4YzBmZmU4NGRlNxJHc2hhMjU2OjMxNTNlNzUyOTc3Mjc2ZGY4ZjA5NWJjZWYzOTNjOWVhZDY0YjgxOGY5ZGU0YTlkYTdiMzE2YWY2NzdlZDUzZTkaFlszLzNdIFJVTiBbIi9hcHAiLCJ4Il0qDAiXhpPYBhDSx7TOAw==',
  'GpABCkdzaGEyNTY6ZWYwMzZlZGJhYmU0NWJlODU1ODZiZTE3M2VjNzI4YzA5OTQ3N2EyMWZkMTA0ZDI2YzdiYWQ4YzBmZmU4NGRlNxILCJiGk9gGEIft50IYAiI2Y21kL2dhdGV3YXkvbWFpbi5nbzo0MDoxMzogc3ludGF4IGVycm9yOiB1bmV4cGVjdGVkIHsK',
  'GmYKR3NoYTI1NjplZjAzNmVkYmFiZTQ1YmU4NTU4NmJlMTczZWM3MjhjMDk5NDc3YTIxZmQxMDRkMjZjN2JhZDhjMGZmZTg0ZGU3EgsImIaT2AYQtKT/QhgCIgxzZWNvbmQgbGluZQo=',
  'CvUBCkdzaGEyNTY6ZWYwMzZlZGJhYmU0NWJlODU1ODZiZTE3M2VjNzI4YzA5OTQ3N2EyMWZkMTA0ZDI2YzdiYWQ4YzBmZmU4NGRlNxJHc2hhMjU2OjMxNTNlNzUyOTc3Mjc2ZGY4ZjA5NWJjZWYzOTNjOWVhZDY0YjgxOGY5ZGU0YTlkYTdiMzE2YWY2NzdlZDUzZTkaFlszLzNdIFJVTiBbIi9hcHAiLCJ4Il0qDAiXhpPYBhDSx7TOAzILCJiGk9gGELOFvUU6LmV4ZWN1dG9yIGZhaWxlZCBydW5uaW5nIFsvYXBwIHhdOiBleGl0IGNvZGU6IDE=',
];
const error = 'executor failed running [/app x]: exit code: 1';
const answerOf = (records: readonly string[]) =>
  [
    ...records.map((aux) => JSON.stringify({ id: 'moby.buildkit.trace', aux })),
    JSON.stringify({ errorDetail: { message: error }, error }),
    '',
  ].join('\r\n');

test('the output of the failed step of a build', () => {
  expect(failedStepOutput(answerOf(trace))).toBe('cmd/gateway/main.go:40:13: syntax error: unexpected {\nsecond line');
});

test('the output of other steps is left out', () => {
  const digest = 'ef036edbabe45be85586be173ec728c099477a21fd104d26c7bad8c0ffe84de7';
  const ofAnother = (aux: string) =>
    Buffer.from(Buffer.from(aux, 'base64').toString('latin1').replace(digest, 'f'.repeat(64)), 'latin1').toString(
      'base64',
    );
  const [step = '', first = '', second = '', failure = ''] = trace;
  expect(failedStepOutput(answerOf([step, ofAnother(first), second, failure]))).toBe('second line');
});

test('is empty if no step failed', () => {
  expect(failedStepOutput(answerOf(trace.slice(0, 3)))).toBe('');
});

test('an engine that is gone is an error, not a crash; a remote one is not asked', async () => {
  const settings = testSettings({ checkoutDir: testCheckout() });
  await expect(failedBuildOutput('unix:///nowhere/docker.sock', settings)).rejects.toThrow(/ENOENT/);
  expect(await failedBuildOutput('ssh://host', settings)).toBe('');
});

test('the engine repeats the build of the deploy: with the label by which pruning finds the image, without an exporter', async () => {
  const socket = join(temporaryDir(), 'docker.sock');
  let asked: URLSearchParams | undefined;
  const server = createServer((request, response) => {
    asked = new URL(request.url ?? '', 'http://engine').searchParams;
    request.resume().on('end', () => response.end(answerOf(trace)));
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(socket, resolve));
  const settings = testSettings({ checkoutDir: testCheckout() });
  expect(await failedBuildOutput(`unix://${socket}`, settings)).toContain('\nsecond line');
  expect(Object.fromEntries(asked ?? [])).toEqual({
    dockerfile: 'Dockerfile.gateway',
    buildargs: JSON.stringify(gatewayBuild(settings).buildArgs),
    version: '2',
  });
});
