import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DockerClient } from '../../../docker/client.ts';
import type { UserError } from '../../../host/errors.ts';
import { findingText } from '../../../host/errors.ts';
import { checks, findAll, preflightWarnings } from '../../../preflight/checks.ts';
import { testSettings } from '../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

const dirtyProd = (root: string) => ({
  settings: testSettings({
    root,
    env: 'prod',
    checkoutDir: join(root, 'checkout'),
    variables: { BIND_IP: '192.0.2.1' },
  }),
  source: { commit: '0123456789ab', isDirty: true },
  docker: new DockerClient(`unix://${root}/no.sock`),
});

test('each check has a name of its own', () => {
  expect(checks.map(({ name, reads }) => `${name}: ${reads}`)).toMatchInlineSnapshot(`
    [
      "daemon: daemon",
      "same-daemon: daemon",
      "checkout: host",
      "secrets: host",
      "rotation: host",
      "instances: host",
      "bind-ip: host",
      "subnets: daemon",
      "ports: daemon",
      "taken-names: daemon",
      "images: daemon",
      "places: host",
      "daemon-places: daemon",
      "open-move: host",
      "open-adoption: host",
      "data-directories: host",
      "data-owner: daemon",
      "data-in-use: daemon",
      "volume-devices: daemon",
    ]
  `);
});

test('a missing daemon is a finding, and the checks of the host still run', async () => {
  const found = await findAll(dirtyProd(temporaryDir()));
  expect(found.map(({ code }) => code)).toEqual(['E_DAEMON', 'E_DIRTY', 'E_BIND_IP']);
});

test('one error shows all findings', async () => {
  const context = dirtyProd(temporaryDir());
  const error = await preflightWarnings(context).then(
    () => undefined,
    (reason: UserError) => reason,
  );
  expect([error?.code, error?.fix]).toEqual(['E_PREFLIGHT', '']);
  const findings = await findAll(context);
  expect(error?.message).toBe(`nothing was changed:\n${findings.map(findingText).join('\n')}`);
});

test('a damaged file of the instance is one finding, and the other checks still run', async () => {
  const root = temporaryDir();
  const context = dirtyProd(root);
  writeFiles(root, { 'prod/move-data.json': '{"from"' });
  const found = await findAll(context);
  expect(found.map(({ code }) => code)).toEqual(['E_DAEMON', 'E_DIRTY', 'E_BIND_IP', 'E_DAMAGED_FILE']);
});
