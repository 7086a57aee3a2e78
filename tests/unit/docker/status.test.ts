import { expect, test } from 'vitest';
import { inspectedObjects, type ServiceStatus, shownTag, statusTable } from '../../../docker/status.ts';

test('the table of what runs where', () => {
  const row = { env: 'dev', container: 'taxlien-gateway-dev-x' };
  const rows: readonly ServiceStatus[] = [
    { ...row, service: 'gateway', image: 'p/gateway:dev-0123456789ab', address: '127.0.10.1:8081', health: 'healthy' },
    { ...row, service: 'db', image: 'p/db:dev', address: '[::1]:5432', health: 'starting' },
    { ...row, service: 'redis', image: '-', address: '', health: 'missing' },
  ];
  expect(`\n${statusTable(rows)}\n`).toMatchInlineSnapshot(`
    "
    ENV  SERVICE  IMAGE                       ADDRESS          HEALTH
    dev  gateway  p/gateway:dev-0123456789ab  127.0.10.1:8081  healthy
    dev  db       p/db:dev                    [::1]:5432       starting
    dev  redis    -                                            missing
    "
  `);
});

test.each([
  [['p/gateway:dev', 'p/gateway:dev-build-1234', 'p/gateway:dev-0123456789ab'], 'p/gateway:dev-0123456789ab'],
  [['p/gateway:dev-build-1234', 'p/gateway:dev'], 'p/gateway:dev'],
  [['other/gateway:stage'], 'other/gateway:stage'],
  [[], '-'],
])('of the tags %j the one that says most', (tags, wanted) => {
  expect(shownTag(tags, 'p/gateway:dev')).toBe(wanted);
});

test('objects that are missing are left out, and a daemon that does not answer is an error', () => {
  const missing = 'Error response from daemon: No such container: a\nError: No such image: b\n';
  expect(inspectedObjects({ exitCode: 1, stdout: '[{"Id":"x"}]\n', stderr: missing }, 'unix:///x')).toEqual([
    { Id: 'x' },
  ]);
  expect(inspectedObjects({ exitCode: 1, stdout: '', stderr: missing }, 'unix:///x')).toEqual([]);
  const stderr = 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?\n';
  expect(() =>
    inspectedObjects({ exitCode: 1, stdout: '[]\n', stderr }, 'unix:///x'),
  ).toThrowErrorMatchingInlineSnapshot(
    `[UserError: docker: no answer from unix:///x (got Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?)]`,
  );
  const dial = 'error during connect: dial unix /x: connect: no such file or directory\n';
  expect(() => inspectedObjects({ exitCode: 1, stdout: '[]\n', stderr: dial }, 'unix:///x')).toThrow('no answer from');
});
