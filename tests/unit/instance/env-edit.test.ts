import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { draftPath } from '../../../host/whole-file.ts';
import { replaceFile, setEnvValue, withValue } from '../../../instance/env-edit.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

test.each([
  ['A=1\nSECRET=old\nB=2\n', 'A=1\nSECRET=new\nB=2\n'],
  ["SECRET='o l#d$'  # why\r\nB=2", 'SECRET=new  # why\r\nB=2'],
  ['# SECRET=x\n  SECRET = "old"\n', '# SECRET=x\n  SECRET = new\n'],
  ['SECRET=old # why\nSECRET_TWO=s\n', 'SECRET=new # why\nSECRET_TWO=s\n'],
  ['OTHER_SECRET=a\nSECRET=b', 'OTHER_SECRET=a\nSECRET=new'],
])('only the value of %j changes', (text, wanted) => {
  expect(withValue(text, 'SECRET', 'new')).toBe(wanted);
});

test('a variable that stands nowhere is an error', () => {
  expect(() => withValue('# SECRET=x\n', 'SECRET', 'new')).toThrow('.env SECRET: has no line of its own');
});

test('the file is replaced whole, keeps its mode under any umask, and leaves nothing beside it', () => {
  const dir = temporaryDir();
  const path = join(dir, '.env');
  writeFileSync(path, 'SECRET=old\n');
  chmodSync(path, 0o640);
  const { ino } = statSync(path);
  const umask = process.umask(0o777);
  try {
    setEnvValue(path, 'SECRET', 'new');
  } finally {
    process.umask(umask);
  }
  expect(readFileSync(path, 'utf8')).toBe('SECRET=new\n');
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(statSync(path).ino).not.toBe(ino);
  expect(readdirSync(dir)).toEqual(['.env']);
  // What a kill left is written over.
  writeFileSync(draftPath(path), 'half');
  replaceFile(path, 'whole\n');
  expect([readFileSync(path, 'utf8'), readdirSync(dir)]).toEqual(['whole\n', ['.env']]);
});
