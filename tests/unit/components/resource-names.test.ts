import { expect, test } from 'vitest';
import { knownNames, nameInUrn, wordsOf } from '../../../components/resource-names.ts';
import { runStack, stackPlace } from '../../helpers/stack-run.ts';

test('the table names exactly the resources that the stack declares', async () => {
  const { registrations } = await runStack(stackPlace());
  const declared = registrations.filter(({ type }) => /^(docker|command):/.test(type)).map(({ urn }) => nameInUrn(urn));
  expect([...new Set(declared)].sort()).toEqual([...knownNames].sort());
});

test('a resource of another version of the program keeps its name', () => {
  expect(wordsOf('gateway-cache')).toEqual({ phase: 'work on gateway-cache' });
});
