import { expect, test } from 'vitest';
import { isNoise } from '../../../../cli/stack/run-pulumi.ts';

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
