import { expect, test, vi } from 'vitest';
import { childEnvironment, pathWith } from '../../../host/environment.ts';

test('overrides replace, add and remove variables of this process', () => {
  vi.stubEnv('KEPT', 'kept');
  vi.stubEnv('CHANGED', 'old');
  vi.stubEnv('REMOVED', 'old');
  const env = childEnvironment({ CHANGED: 'new', ADDED: '', REMOVED: undefined });
  const { KEPT, CHANGED, ADDED } = env;
  expect([KEPT, CHANGED, ADDED, Object.hasOwn(env, 'REMOVED')]).toEqual(['kept', 'new', '', false]);
  expect(process.env.CHANGED).toBe('old');
});

test('directories come first in PATH, each once and none empty', () => {
  vi.stubEnv('PATH', '/usr/bin::/a:/bin');
  expect(pathWith('/a', '/b')).toBe('/a:/b:/usr/bin:/bin');
});
