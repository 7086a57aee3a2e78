import { existsSync, readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { beginRecord, isRecorded, phaseOf, Recording, readDeployRecord } from '../../../../cli/deploy/record.ts';
import { UserError } from '../../../../host/errors.ts';
import { testInstance } from '../../../helpers/instance.ts';
import { writeFiles } from '../../../helpers/temporary.ts';

const report = {
  changes: [{ operation: 'update', name: 'redis', type: 'docker:index/container:Container', properties: ['image'] }],
  failed: ['redis'],
  errors: ['redis: no'],
  warnings: ['old image'],
} as const;

const row = {
  env: 'dev',
  service: 'redis',
  container: 'taxlien-gateway-dev-redis',
  image: '-',
  address: '',
  health: 'exited',
} as const;

test('what a deploy did is read back, from a file for its owner only', () => {
  const instance = testInstance();
  const recording = new Recording(instance, '0123456789ab', 'run-7');
  recording.report(report);
  recording.commit('ba9876543210');
  recording.failed('start redis', 'redis: no');
  recording.end([{ service: 'redis', ms: 120 }], [row]);
  expect(readDeployRecord(instance)).toEqual({
    env: 'dev',
    commit: 'ba9876543210',
    run: 'run-7',
    startedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    durationMs: expect.any(Number),
    changes: report.changes,
    services: [row],
    downtime: [{ service: 'redis', ms: 120 }],
    warnings: ['old image'],
    failure: { phase: 'start redis', cause: 'redis: no' },
  });
  expect(statSync(instance.deployRecordFile).mode & 0o777).toBe(0o600);
});

test('the record of the next deploy keeps nothing of the failed one', () => {
  const instance = testInstance();
  const failed = new Recording(instance, '0123456789ab', '1');
  failed.report(report);
  failed.failed('start redis', 'redis: no');
  failed.end([], [row]);
  new Recording(instance, '0123456789ab', '2').end([], []);
  const record = readDeployRecord(instance);
  expect(record).toMatchObject({ run: '2', changes: [], services: [], warnings: [] });
  expect(record).not.toHaveProperty('failure');
});

test('an error is recorded with its code and fix, one without them with its message', () => {
  const instance = testInstance();
  const recording = new Recording(instance, '0123456789ab', '');
  const refused = new UserError('E_NOT_READY', 'gateway: HTTP 503', 'Look.');
  expect(isRecorded(refused)).toBe(false);
  recording.failedBy('check every service', refused);
  recording.end([], []);
  expect(isRecorded(refused)).toBe(true);
  expect(readDeployRecord(instance)?.failure).toEqual({
    phase: 'check every service',
    cause: 'E_NOT_READY  gateway: HTTP 503\nLook.',
  });
  recording.failedBy('run pulumi', new TypeError('not a function'));
  recording.end([], []);
  expect(readDeployRecord(instance)?.failure).toEqual({ phase: 'run pulumi', cause: 'not a function' });
});

test('a deploy that has only begun writes nothing', async () => {
  const instance = testInstance();
  await beginRecord(instance, 'run-8');
  expect(existsSync(instance.deployRecordFile)).toBe(false);
  expect(readDeployRecord(instance)).toBeUndefined();
});

test('a record of an older version has no downtime', () => {
  const instance = testInstance();
  new Recording(instance, '0123456789ab', '').end([{ service: 'db', ms: 1 }], []);
  const { downtime, ...old } = JSON.parse(readFileSync(instance.deployRecordFile, 'utf8'));
  expect(downtime).toEqual([{ service: 'db', ms: 1 }]);
  writeFiles(instance.dir, { 'logs/last-deploy.json': JSON.stringify(old) });
  expect(readDeployRecord(instance)?.downtime).toEqual([]);
});

test.each([
  ['cut off', '{"env":"dev","com'],
  ['empty', ''],
  ['of another shape', '{"env":"dev"}'],
])('a record that is %s is an error that names the file', (_, text) => {
  const instance = testInstance();
  writeFiles(instance.dir, { 'logs/last-deploy.json': text });
  const file = instance.deployRecordFile;
  expect(() => readDeployRecord(instance)).toThrow(
    expect.objectContaining({
      code: 'E_DAMAGED_FILE',
      message: `${file}: does not contain what gatewayctl writes (got ${text.length} characters)`,
      fix: `Remove it: rm ${file}. The next ./gatewayctl up dev writes a new one.`,
    }),
  );
});

test.each([
  [[], 'check settings, host and data'],
  [['gateway-migrate', 'redis'], 'migrate the schema'],
  [['of-another-version'], 'work on of-another-version'],
])('the phase of a run in which %j failed', (failed, phase) => {
  expect(phaseOf({ ...report, failed })).toBe(phase);
});
