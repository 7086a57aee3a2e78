import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configFilesPath, copyConfigFiles } from '../../../../components/steps/config-files.ts';
import { testCheckout } from '../../../helpers/checkout.ts';
import { testSettings } from '../../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

const source = 'monitoring/grafana';

test('the directory of a copy is named by content: the same from another checkout, another after a change', () => {
  const root = temporaryDir();
  const [one, two] = [testCheckout(), testCheckout()].map((checkoutDir) => testSettings({ root, checkoutDir }));
  if (one === undefined || two === undefined) throw new Error('no settings');
  const path = configFilesPath(one, source);
  expect(path).toMatch(new RegExp(`^${root}/dev/config/[0-9a-f]{64}$`));
  expect(configFilesPath(two, source)).toBe(path);
  expect(configFilesPath(one, 'monitoring/prometheus')).not.toBe(path);
  writeFiles(two.checkoutDir, { 'monitoring/grafana/dashboards/gateway.json': '{"other":true}' });
  expect(configFilesPath(two, source)).not.toBe(path);
});

test('two directories of the same content have separate copies', () => {
  const settings = testSettings({ checkoutDir: testCheckout({ 'a/x.yml': '', 'b/x.yml': '' }) });
  expect(configFilesPath(settings, 'a')).not.toBe(configFilesPath(settings, 'b'));
});

test('a copy is complete, readable for all users under any umask, and created once', async () => {
  const checkoutDir = testCheckout();
  const settings = testSettings({ checkoutDir });
  const file = join(checkoutDir, source, 'dashboards/gateway.json');
  chmodSync(file, 0o600);
  symlinkSync('gateway.json', join(checkoutDir, source, 'dashboards/linked.json'));
  const umask = process.umask(0o077);
  try {
    await copyConfigFiles(settings, source);
  } finally {
    process.umask(umask);
  }
  const copy = configFilesPath(settings, source);
  const modeOf = (path: string) => statSync(join(copy, path)).mode & 0o777;
  expect(readdirSync(settings.instance.configDir)).toEqual([copy.split('/').at(-1)]);
  expect(readdirSync(join(copy, 'dashboards'))).toEqual(['gateway.json', 'linked.json']);
  expect(readFileSync(join(copy, 'dashboards/linked.json'), 'utf8')).toBe('{}\n');
  expect([
    modeOf('.'),
    modeOf('dashboards'),
    modeOf('dashboards/gateway.json'),
    modeOf('dashboards/linked.json'),
  ]).toEqual([0o755, 0o755, 0o644, 0o644]);
  const made = statSync(copy).ino;
  await copyConfigFiles(settings, source);
  expect(statSync(copy).ino).toBe(made);
});
