import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isNoise, runPulumiOrFail } from '../../../../cli/stack/run-pulumi.ts';
import type { Stack } from '../../../../cli/stack/stack.ts';
import { testInstance } from '../../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../../helpers/temporary.ts';

test.each([
  ['@ updating....', true],
  ['    pulumi:pulumi:Stack taxlien-gateway-dev ', true],
  ['    docker:index:Network taxlien-network', true],
  [' ~  docker:index:Container taxlien-db refreshing (0s)', true],
  [' ~  docker:index:Container taxlien-db refresh (1s)', true],
  [' +  docker:index:Container taxlien-db creating (0s)', false],
  [' ~  docker:index:Container taxlien-db updating (0s) [diff: ~image]', false],
  ['Resources:', false],
  ['    39 unchanged', false],
  ['error: update failed', false],
])('%j is noise: %j', (line, wanted) => {
  expect(isNoise(line)).toBe(wanted);
});

test('a failed pulumi is an error with a code, after its own output', async () => {
  const bin = temporaryDir();
  writeFiles(bin, { pulumi: '#!/bin/sh\n[ "$1" = preview ] || exit 255\n' });
  chmodSync(join(bin, 'pulumi'), 0o755);
  const stack = { instance: testInstance({}), checkoutDir: bin, exports: { PATH: bin } } as unknown as Stack;
  await expect(runPulumiOrFail(stack, ['preview'])).resolves.toBeUndefined();
  await expect(runPulumiOrFail(stack, ['destroy', '--yes'])).rejects.toMatchObject({
    text: 'E_PULUMI  destroy dev: failed (got exit 255 of pulumi)\nFix the errors above, then run the same command again.',
  });
});
