import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { limitCompileCache } from '../../../bootstrap/compile-cache.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

test("Node's compile cache is emptied when it has too many entries, with what a killed run left", () => {
  const cache = temporaryDir();
  writeFiles(cache, {
    'compile/v24/1': '',
    'compile/v24/2': '',
    'compile/v25/3': '',
    'compile.old-1/v24/1': '',
    other: '',
  });
  limitCompileCache(join(cache, 'compile'), 3);
  expect(readdirSync(cache).sort()).toEqual(['compile', 'other']);
  limitCompileCache(join(cache, 'compile'), 2);
  expect(readdirSync(cache)).toEqual(['other']);
  limitCompileCache(join(cache, 'compile'), 2);
});
