import { mkdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { beginRotation, endRotation, rotationContinues } from '../../../instance/rotation-journal.ts';
import { rotation } from '../../../preflight/unfinished.ts';
import { runHostCheck, shownFindings } from '../../helpers/findings.ts';
import { testSecrets, testSettings } from '../../helpers/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

test('a rotation is open until the .env has the new value', async () => {
  const root = temporaryDir();
  const settings = testSettings({ root });
  const { instance } = settings;
  mkdirSync(instance.secretsDir);
  expect(await runHostCheck(rotation, settings)).toEqual([]);
  const begun = { variable: 'REDIS_PASSWORD', before: testSecrets.REDIS_PASSWORD, after: 'new-value-9a8b7c' } as const;
  beginRotation(instance, begun);
  const shown = shownFindings(await runHostCheck(rotation, settings), root).join('\n');
  expect(shown).toMatchInlineSnapshot(
    `"E_ROTATION_OPEN error: <root>/dev/.env REDIS_PASSWORD: its rotation was interrupted. The service may already use the new value; a container started now would get the old one. Run ./gatewayctl up dev: it continues the rotation, then deploys."`,
  );
  expect(shown).not.toContain(begun.after);
  for (const [name, value] of Object.entries(rotationContinues)) vi.stubEnv(name, value);
  expect(await runHostCheck(rotation, settings)).toEqual([]);
  vi.unstubAllEnvs();
  const renewed = { ...settings, secrets: { ...settings.secrets, REDIS_PASSWORD: begun.after } };
  expect(await runHostCheck(rotation, renewed)).toEqual([]);
  endRotation(instance);
  expect(await runHostCheck(rotation, settings)).toEqual([]);
});
