import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { phaseOf } from '../../../../cli/deploy/record.ts';
import { readEvents, runPulumiReporting } from '../../../../cli/stack/events.ts';
import type { Stack } from '../../../../cli/stack/stack.ts';
import { DockerClient } from '../../../../docker/client.ts';
import { testInstance } from '../../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

const urn = (name: string) => `urn:pulumi:dev::taxlien-gateway::taxlien:index:GatewayStack$x::${name}`;
const step = (op: string, name: string, type: string, more = {}) => ({
  resOutputsEvent: { metadata: { op, type, urn: urn(name), ...more } },
});
const log = (...events: object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join('');

test('each resource that changed, once, with what differs', () => {
  const text = log(
    step('same', 'taxlien-network', 'docker:index/network:Network'),
    step('update', 'taxlien', 'taxlien:index:GatewayStack'),
    step('delete-replaced', 'taxlien-redis', 'docker:index/container:Container'),
    step('replace', 'taxlien-redis', 'docker:index/container:Container', { diffs: ['memory'] }),
    step('create-replacement', 'taxlien-redis', 'docker:index/container:Container'),
    step('create', 'taxlien-host-paths', 'command:local:Command'),
  );
  expect(readEvents(text).changes).toEqual([
    { operation: 'replace', name: 'redis', type: 'docker:index/container:Container', properties: ['memory'] },
    { operation: 'create', name: 'host-paths', type: 'command:local:Command', properties: [] },
  ]);
});

test('a container that a refresh found stopped is reported as stopped, whatever operation it is in', () => {
  const found = (name: string, mustRun: boolean) =>
    step('update', name, 'docker:index/container:Container', { diffs: ['mustRun'], new: { outputs: { mustRun } } });
  const text = log(found('taxlien-redis', false), found('taxlien-db', true));
  expect(readEvents(text).changes.map(({ name, isStopped }) => [name, isStopped])).toEqual([
    ['redis', true],
    ['db', undefined],
  ]);
});

test("buildx's records of the builds of a run are removed with it", async () => {
  const instance = testInstance();
  const stack: Stack = {
    instance,
    engine: { kind: 'daemon', docker: new DockerClient('unix:///d.sock'), root: dirname(instance.dir) },
    checkoutDir: temporaryDir(),
    exports: { BUILDX_BUILDER: 'mine' },
  };
  let buildxConfig = '';
  const { report } = await runPulumiReporting(stack, ['up'], async ({ exports }) => {
    buildxConfig = exports.BUILDX_CONFIG ?? '';
    writeFiles(buildxConfig, { 'refs/default/default/x': '{}' });
    expect(exports.BUILDX_BUILDER).toBeUndefined();
    return 0;
  });
  expect(report.changes).toEqual([]);
  expect(buildxConfig.startsWith(instance.stateDir)).toBe(true);
  expect(existsSync(buildxConfig)).toBe(false);
});

test('errors and warnings of a truncated log, without colours, each once', () => {
  const error = { diagnosticEvent: { severity: 'error', message: '<{%reset%}>it \u001b[31mbroke<{%reset%}>\n' } };
  const warning = { diagnosticEvent: { severity: 'warning', message: 'disk is nearly full\n' } };
  const text = `${log(error, error, warning)}{"diagnosticEvent":{"sev`;
  expect(readEvents(text)).toEqual({
    changes: [],
    failed: [],
    errors: ['it broke'],
    warnings: ['disk is nearly full'],
  });
});

test.each([
  ['taxlien-gateway-image', "build the gateway's image"],
  ['taxlien-db-image', 'get the image of db'],
  ['taxlien-gateway-selfcheck', 'prove the new gateway'],
  ['taxlien-gateway-migrate', 'migrate the schema'],
  ['taxlien-redis-healthy', 'wait until redis is healthy'],
  ['taxlien-redis', 'start redis'],
  ['taxlien-raw-volume', 'create the volume of raw'],
])('if %s failed, the phase is: %s', (name, phase) => {
  const failed = { resOpFailedEvent: { metadata: { op: 'create', type: 'x', urn: urn(name) } } };
  expect(phaseOf(readEvents(log(failed)))).toBe(phase);
});

test('if no resource failed, the program refused', () => {
  expect(phaseOf(readEvents(''))).toBe('check settings, host and data');
});
