import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every encoding that a secret may have in text. */
function formsOf(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  // As Go's encoder writes it.
  const goJson = json.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
  // Base64 of a text with the secret at any of the three offsets, without the ends that depend on the neighbours.
  const inner = [0, 1, 2].map((offset) =>
    Buffer.from('x'.repeat(offset) + secret)
      .toString('base64')
      .slice(offset === 0 ? 0 : 4)
      .replace(/.{4}$/, ''),
  );
  const base64url = inner.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [...new Set([secret, json, goJson, encodeURIComponent(secret), ...inner, ...base64url])];
}

/** Names of the secrets that a text holds in some form. */
export function secretsIn(text: string, secrets: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(secrets).filter((name) => formsOf(secrets[name] ?? '').some((form) => text.includes(form)));
}

/** Contents of all files below a directory by path, apart from directories of these names. */
export function filesBelow(dir: string, skipped: readonly string[] = []): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const walk = (current: string) => {
    for (const entry of readdirSync(current, { withFileTypes: true })) {
      const path = join(current, entry.name);
      if (entry.isDirectory() && !skipped.includes(entry.name)) walk(path);
      if (entry.isFile()) found[path] = readFileSync(path, 'latin1');
    }
  };
  walk(dir);
  return found;
}

/** Notes the argument list of every process of this machine, until stopped. */
export function watchArguments(): () => ReadonlySet<string> {
  const seen = new Set<string>();
  const look = () => {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      try {
        seen.add(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
      } catch {
        // It has ended meanwhile.
      }
    }
  };
  const timer = setInterval(look, 20);
  return () => {
    clearInterval(timer);
    return seen;
  };
}

/** Argument lists of the processes that have this in their environment. */
export function processesWith(setting: string): readonly string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const isOne = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(setting);
        return isOne ? [readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')] : [];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}
