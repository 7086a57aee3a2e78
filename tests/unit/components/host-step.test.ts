import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { childEnvironment } from '../../../host/environment.ts';
import { run } from '../../../host/process.ts';
import { instanceOf } from '../../../settings/instance.ts';
import { dataVolumes } from '../../../settings/services.ts';
import { testInstance } from '../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

const checkoutDir = join(import.meta.dirname, '..', '..', '..');

const hostStep = (root: string, ...args: string[]) =>
  run([process.execPath, '--disable-warning=ExperimentalWarning', 'components/host-step.ts', ...args], {
    cwd: checkoutDir,
    env: childEnvironment({ TAXLIEN_GATEWAY_ROOT: root }),
    allowedExitCodes: 'any',
  });

test('data-markers writes a marker of every data directory beside the data', async () => {
  const root = temporaryDir();
  const { defaultDataDir: dataDir, idFile } = testInstance({ root });
  writeFiles(dataDir, Object.fromEntries(dataVolumes.map((volume) => [`${volume}/file`, ''])));
  writeFiles(root, { 'dev/instance-id': 'id-1\n' });
  expect(await hostStep(root, 'dev', 'data-markers')).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(readFileSync(idFile, 'utf8')).toBe('id-1\n');
  expect(readdirSync(join(dataDir, '.owners'))).toEqual(dataVolumes.map((volume) => `${volume}.json`).toSorted());
  expect(JSON.parse(readFileSync(join(dataDir, '.owners', 'postgres.json'), 'utf8'))).toEqual({
    stack: 'dev',
    instanceId: 'id-1',
    path: join(dataDir, 'postgres'),
    mountPoint: expect.stringMatching(/^\//),
    imageMajor: '16',
  });
});

test('what the user can mend comes without a stack, what is our defect with one', async () => {
  const root = temporaryDir();
  testInstance({ root, text: 'BIND_IP=0.0.0.0\n' });
  const bad = await hostStep(root, 'dev', 'data-markers');
  expect([bad.exitCode, bad.stdout]).toEqual([1, '']);
  expect(bad.stderr).toMatch(
    /^E_BIND_IP {2}dev\/\.env:1 BIND_IP: must be one address, not all of the host \(got 0\.0\.0\.0\)\. /,
  );
  expect(bad.stderr).not.toContain('    at ');
  testInstance({ root });
  const unknown = await hostStep(root, 'dev', 'no-such-step');
  expect([unknown.exitCode, unknown.stderr.split('\n')[0]]).toEqual([1, 'TypeError: host-step: no step no-such-step']);
  expect(unknown.stderr).toContain('    at ');
  expect(readdirSync(instanceOf('dev', root).dir)).toEqual(['.env']);
});
