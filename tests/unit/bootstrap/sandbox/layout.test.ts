import { expect, test } from 'vitest';
import { layoutOf } from '../../../../bootstrap/sandbox/layout.ts';

test('all paths except the lock are below the directory of the sandbox', () => {
  const { name, cgroup, ...paths } = layoutOf('/state', 'default');
  expect(name).toBe('default');
  expect(cgroup).toMatch(/^\/taxlien-gateway-[0-9a-f]{12}$/);
  const outside = Object.entries(paths).filter(([, path]) => !`${path}/`.startsWith('/state/sandbox/default/'));
  expect(outside).toEqual([['lockFile', '/state/sandbox/default.lock']]);
});

test('two sandboxes share no cgroup', () => {
  expect(layoutOf('/state', 'a').cgroup).not.toBe(layoutOf('/state', 'b').cgroup);
  expect(layoutOf('/state', 'a').cgroup).not.toBe(layoutOf('/other', 'a').cgroup);
});

test.each(['', '..', 'a/b', 'A', '-x', 'a'.repeat(41)])('refuses the name %j', (name) => {
  expect(() => layoutOf('/state', name)).toThrow(expect.objectContaining({ code: 'E_SANDBOX_NAME' }));
});

test('refuses a directory in which no socket can be created', () => {
  const fits = `/${'s'.repeat(70)}`;
  expect(Buffer.byteLength(`${layoutOf(fits, 'default').containerdSocket}.ttrpc`)).toBe(107);
  expect(() => layoutOf(`${fits}s`, 'default')).toThrow(expect.objectContaining({ code: 'E_SANDBOX_PATH' }));
});
