import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorCodes } from '../../../host/error-codes.ts';
import { makeInstance } from '../../../instance/setup.ts';
import { parseDotenv } from '../../../settings/dotenv.ts';
import { envExampleText, envFileText } from '../../../settings/env-file.ts';
import { errorsDocText, settingsDocText } from '../../../settings/generated-docs.ts';
import { instanceOf } from '../../../settings/instance.ts';
import { loadSettings } from '../../../settings/load.ts';
import { defaultOf, metaOf, variables } from '../../../settings/schema.ts';
import { environments } from '../../../settings/services.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

const checkoutDir = join(import.meta.dirname, '..', '..', '..');

describe('printed files match the code', () => {
  test.each([
    ['.env.example', envExampleText()],
    ['docs/settings.md', settingsDocText()],
    ['docs/errors.md', errorsDocText()],
  ])('%s (stale? npm run docs)', (path, text) => {
    expect(readFileSync(join(checkoutDir, path), 'utf8')).toBe(text);
  });

  test('the example names every variable once, with its meaning above it and no secret in it', () => {
    const lines = envExampleText().split('\n');
    for (const variable of variables) {
      const places = lines.flatMap((line, index) => (new RegExp(`^#?${variable}=`).test(line) ? [index] : []));
      expect(places, variable).toHaveLength(1);
      const place = places[0] ?? 0;
      expect(lines[place - 1]).toBe(`# ${metaOf(variable).doc}`);
      const fallback = defaultOf(variable, '<env>', '<instance>');
      expect(lines[place]).toBe(fallback === undefined ? `${variable}=` : `#${variable}=${fallback}`);
    }
  });

  test('the documents have a row for every variable and every code', () => {
    const rowsOf = (text: string) => [...text.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, name]) => name);
    expect(rowsOf(settingsDocText())).toEqual(variables);
    expect(rowsOf(errorsDocText())).toEqual(Object.keys(errorCodes));
  });
});

test('every default is a valid value, and uncommenting all of them changes nothing', () => {
  const instance = instanceOf('stage', temporaryDir());
  makeInstance(instance, '127.0.10.2');
  const before = loadSettings(instance, temporaryDir());
  const text = readFileSync(instance.envFile, 'utf8');
  const uncommented = text.replace(/^#(?=[A-Z_]+=)/gm, '').replaceAll('<instance>', instance.dir);
  const { entries, findings } = parseDotenv(uncommented, 'stage/.env');
  expect(findings).toEqual([]);
  expect(entries.map(({ key }) => key).toSorted()).toEqual(variables.toSorted());
  for (const { key, value } of entries) {
    const fallback = defaultOf(key as (typeof variables)[number], 'stage', instance.dir);
    if (fallback !== undefined) expect([key, value]).toEqual([key, fallback]);
  }
  expect(before.project).toBe('taxlien-gateway-stage');
});

describe('a new instance', () => {
  test.each(environments)('%s: its .env loads as it is, with secrets of its own', (env) => {
    const [one, two] = ['a', 'b'].map((name) => {
      const instance = instanceOf(env, join(temporaryDir(), name));
      expect(makeInstance(instance, '127.0.10.1')).toBe(true);
      expect(statSync(instance.envFile).mode & 0o777).toBe(0o600);
      return loadSettings(instance, temporaryDir());
    });
    const secrets = [...Object.values(one?.secrets ?? {}), ...Object.values(two?.secrets ?? {})];
    expect(new Set(secrets).size).toBe(8);
    for (const secret of secrets) expect(secret).toMatch(/^[A-Za-z0-9_-]{32}$/);
  });

  test('takes an IPv6 address', () => {
    const text = envFileText({ env: 'dev', bindIp: '2001:db8::1', makeSecret: () => 'x'.repeat(16) });
    expect(parseDotenv(text, 'dev/.env').entries[0]).toEqual({ key: 'BIND_IP', value: '2001:db8::1', line: 3 });
  });
});
