import { statSync } from 'node:fs';
import type { Finding } from '../host/errors.ts';
import type { Secrets } from '../settings/load.ts';
import type { HostCheck } from './check.ts';

/** The `.env` is readable by its owner only, and each secret in it is strong and used once on this host. */
export const secrets: HostCheck = {
  name: 'secrets',
  reads: 'host',
  run({ settings, neighbours }) {
    const { envFile } = settings.instance;
    const findings: Finding[] = [];
    const mode = statSync(envFile).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      findings.push({
        code: 'W_ENV_MODE',
        severity: 'warning',
        message: `${envFile}: must be readable by its owner only (got mode ${mode.toString(8).padStart(4, '0')})`,
        why: 'Every user who can read it has all secrets of this environment.',
        fix: `chmod 600 ${envFile}`,
      });
    }
    const seen = new Map<string, string>();
    for (const other of neighbours) {
      for (const [name, value] of entriesOf(other.secrets)) seen.set(value, `${name} of ${other.env}`);
    }
    for (const [name, value] of entriesOf(settings.secrets)) {
      const where = `${envFile} ${name}`;
      const fix = `Set ${name} in ${envFile} to what "openssl rand -hex 32" prints.`;
      if (isWeak(value)) {
        findings.push({
          code: 'W_SECRET_WEAK',
          severity: 'warning',
          message: `${where}: is easy to guess (got a well-known word or few different characters)`,
          why: 'Attackers who reach the port try such values first.',
          fix,
        });
      }
      const twin = seen.get(value);
      if (twin !== undefined) {
        findings.push({
          code: 'W_SECRET_REUSED',
          severity: 'warning',
          message: `${where}: must be used in one place only (got the value of ${twin})`,
          why: 'Anyone who learns one has the other too.',
          fix,
        });
      }
      seen.set(value, name);
    }
    return findings;
  },
};

const entriesOf = (all: Secrets) => Object.entries(all) as readonly (readonly [keyof Secrets, string])[];

/** Whether a secret is easy to guess although it is long enough. */
export function isWeak(secret: string): boolean {
  const isWord = /change.?me|password|passw0rd|secret-?here|example|12345678|qwerty|admin|default/i.test(secret);
  return isWord || new Set(secret).size < 8;
}
