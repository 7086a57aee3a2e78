import { expect, test } from 'vitest';
import { checkout } from '../../../preflight/checkout.ts';
import { runHostCheck, shownFindings } from '../../helpers/findings.ts';
import { testSettings } from '../../helpers/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

const dirty = { commit: '0123456789ab', isDirty: true };

test('a dirty checkout is refused unless it is allowed', async () => {
  const root = temporaryDir();
  const settings = testSettings({ root, env: 'prod', checkoutDir: `${root}/checkout` });
  expect(shownFindings(await runHostCheck(checkout, settings, dirty), root)).toMatchInlineSnapshot(`
    [
      "E_DIRTY error: <root>/checkout: has uncommitted changes (got 0123456789ab and more). This image could not be built again. Commit or discard them (git status), or set ALLOW_DIRTY=true in <root>/prod/.env.",
    ]
  `);
});

test.each([
  ['a clean one in prod', testOptions('prod', 'false'), false],
  ['a dirty one in dev', testOptions('dev', 'false'), true],
  ['a dirty one in prod with ALLOW_DIRTY', testOptions('prod', 'true'), true],
])('%s is accepted', async (_, options, isDirty) => {
  expect(await runHostCheck(checkout, testSettings(options), { ...dirty, isDirty })).toEqual([]);
});

function testOptions(env: 'dev' | 'prod', allowDirty: string) {
  return { env, variables: { ALLOW_DIRTY: allowDirty } };
}
