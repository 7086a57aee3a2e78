import { expect, test } from 'vitest';
import { errorFinding, findingText, ifRefused, UserError } from '../../../host/errors.ts';
import { ProcessError } from '../../../host/process.ts';

test('a finding: its code, two blanks, where: rule (got), and the fix', () => {
  const finding = errorFinding('E_PORT', 'dev/.env:6 DB_PORT: must be a number (got x)', 'Set it.');
  expect(findingText(finding)).toBe('E_PORT  dev/.env:6 DB_PORT: must be a number (got x). Set it.');
  expect(findingText({ ...finding, why: 'Nothing starts.' })).toBe(
    'E_PORT  dev/.env:6 DB_PORT: must be a number (got x). Nothing starts.\n  Set it.',
  );
});

test('without a fix there is no empty line, and no full stop is doubled', () => {
  const finding = errorFinding('E_PROCESS', 'git: exit 1', '');
  expect(findingText(finding)).toBe('E_PROCESS  git: exit 1.');
  expect(findingText({ ...finding, why: 'Nothing starts.' })).toBe('E_PROCESS  git: exit 1. Nothing starts.');
});

test('an error: its code, two blanks, its message, and the fix on a line of its own', () => {
  expect(new UserError('E_LOCKED', 'dev: held by process 7', 'Wait.').text).toBe(
    'E_LOCKED  dev: held by process 7\nWait.',
  );
  const failed = new ProcessError(['git', 'x'], { exitCode: 1, stdout: '', stderr: 'no x\n' }, 'exit 1');
  expect(failed.text).toBe('E_PROCESS  git x: exit 1\nno x');
});

test('a refusal has another answer; a stop signal and a defect have none', () => {
  const handle = ifRefused('no daemon');
  expect(handle(new UserError('E_DAEMON', 'docker: no daemon answers', 'Start it.'))).toBe('no daemon');
  for (const error of [new UserError('E_STOPPED', 'docker: stopped', ''), new TypeError('x is not a function')]) {
    expect(() => handle(error)).toThrow(error);
  }
});
