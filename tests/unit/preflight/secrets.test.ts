import { chmodSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isWeak, secrets } from '../../../preflight/secrets.ts';
import { runHostCheck, shownFindings } from '../../helpers/findings.ts';
import { testInstance, testSecrets, testSettings } from '../../helpers/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

test('strong secrets of its own in a private file are accepted', async () => {
  expect(await runHostCheck(secrets, testSettings())).toEqual([]);
});

test('readable files, weak and reused secrets are reported, without their values', async () => {
  const root = temporaryDir();
  testInstance({ env: 'stage', root });
  const settings = testSettings({
    root,
    variables: {
      POSTGRES_PASSWORD: 'changeme-changeme-1',
      REDIS_PASSWORD: testSecrets.WORKER_TOKEN,
      WORKER_TOKEN: 'k2Jq8vXw4Zr6Tn0Lm5Bp',
      GRAFANA_ADMIN_PASSWORD: 'k2Jq8vXw4Zr6Tn0Lm5Bp',
    },
  });
  chmodSync(settings.instance.envFile, 0o644);
  const shown = shownFindings(await runHostCheck(secrets, settings), root);
  expect(shown.join('\n')).toMatchInlineSnapshot(`
    "W_ENV_MODE warning: <root>/dev/.env: must be readable by its owner only (got mode 0644). Every user who can read it has all secrets of this environment. chmod 600 <root>/dev/.env
    W_SECRET_WEAK warning: <root>/dev/.env POSTGRES_PASSWORD: is easy to guess (got a well-known word or few different characters). Attackers who reach the port try such values first. Set POSTGRES_PASSWORD in <root>/dev/.env to what "openssl rand -hex 32" prints.
    W_SECRET_REUSED warning: <root>/dev/.env REDIS_PASSWORD: must be used in one place only (got the value of WORKER_TOKEN of stage). Anyone who learns one has the other too. Set REDIS_PASSWORD in <root>/dev/.env to what "openssl rand -hex 32" prints.
    W_SECRET_REUSED warning: <root>/dev/.env GRAFANA_ADMIN_PASSWORD: must be used in one place only (got the value of WORKER_TOKEN). Anyone who learns one has the other too. Set GRAFANA_ADMIN_PASSWORD in <root>/dev/.env to what "openssl rand -hex 32" prints."
  `);
  for (const secret of Object.values(settings.secrets)) expect(shown.join('\n')).not.toContain(secret);
});

test.each(['aaaaaaaaaaaaaaaaaaaa', '1231231231231231', 'MyPassword-of-2026', 'CHANGE_ME_please_now'])(
  '%s is weak',
  (secret) => expect(isWeak(secret)).toBe(true),
);
