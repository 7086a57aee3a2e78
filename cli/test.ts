import type { Verb } from './verb.ts';

export const test: Verb = {
  usage: '[unit|engine|smoke|faults|workflows|all]',
  summary: 'Runs the tests in a sandbox of their own.',
  words: [0, 1],
  async run() {
    return 1;
  },
};
