import { expect, test } from 'vitest';
import { bindError, bindIp } from '../../../preflight/bind-ip.ts';
import { runHostCheck, shownFindings } from '../../helpers/findings.ts';
import { testSettings } from '../../helpers/instance.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

test('any address of the loopback network can be bound', async () => {
  expect(await runHostCheck(bindIp, testSettings({ variables: { BIND_IP: '127.83.17.5' } }))).toEqual([]);
  expect(await bindError('127.83.17.5', 0)).toBeUndefined();
});

test('an address of another host cannot', async () => {
  const root = temporaryDir();
  const found = await runHostCheck(bindIp, testSettings({ root, variables: { BIND_IP: '192.0.2.1' } }));
  const shown = shownFindings(found, root)
    .join('\n')
    .replace(/this host has [^)]*/, 'this host has <addresses>');
  expect(shown).toMatchInlineSnapshot(
    `"E_BIND_IP error: <root>/dev/.env BIND_IP: cannot be bound (got 192.0.2.1: EADDRNOTAVAIL; this host has <addresses>). Docker binds each published port to it, and a container without its port does not start. Add it: sudo ip addr add 192.0.2.1/24 dev <interface>; or set BIND_IP to an address of this host."`,
  );
  expect(found[0]?.message).toContain('127.0.0.1');
  expect(await bindError('192.0.2.1', 0)).toBe('EADDRNOTAVAIL');
});

test('a loopback address is a warning on prod alone', async () => {
  const codes = async (env: 'stage' | 'prod', BIND_IP: string) =>
    (await runHostCheck(bindIp, testSettings({ env, variables: { BIND_IP } }))).map(
      ({ code, severity }) => `${code} ${severity}`,
    );
  expect(await codes('prod', '127.83.17.5')).toEqual(['W_LOOPBACK warning']);
  expect(await codes('stage', '127.83.17.5')).toEqual([]);
});
