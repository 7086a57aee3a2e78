import { type Pin, pinsOf, readingOf } from '../../../docker/images/pins.ts';
import { askRegistry, type RegistryAnswer } from '../../../docker/images/registry.ts';
import { checkoutDir } from '../../../host/git.ts';
import { print, table } from '../../../host/output.ts';
import type { Verb } from '../verb.ts';

type AskedPin = Pin & { readonly registry?: RegistryAnswer };

export const images: Verb = {
  usage: '[--check] [--json]',
  summary: 'list the pinned images; ask the registry for them',
  details:
    'Each image that a deploy pulls or builds on, with where and when its tag was read. With --check the registry is asked for each, and exit 1 says that it lacks one.',
  options: { check: { type: 'boolean' }, json: { type: 'boolean' } },
  words: [0, 0],
  async run({ options }) {
    const pins = pinsOf(checkoutDir);
    const ask = async (pin: Pin) => ({ ...pin, registry: await askRegistry(pin.reference) });
    const asked: readonly AskedPin[] = options.check === true ? await Promise.all(pins.map(ask)) : pins;
    const rows = asked.map((pin) => ({ ...pin, ...readingOf(pin.reference) }));
    print(options.json === true ? JSON.stringify(rows) : imagesText(asked));
    return asked.some(({ registry }) => registry === 'lacks') ? 1 : 0;
  },
};

const answers: Readonly<Record<RegistryAnswer, string>> = {
  has: 'has it',
  lacks: 'LACKS IT',
  unclear: 'did not say',
  none: 'no answer',
};

/** The pins as a table, with what the registry said where it was asked and answers. */
export function imagesText(pins: readonly AskedPin[]): string {
  const isAsked = pins.some(({ registry }) => registry !== undefined);
  const isAnswered = pins.some(({ registry }) => registry !== undefined && registry !== 'none');
  const cells = pins.map(({ service, reference, registry = 'none' }) => {
    const { readOn = '-', source = 'not recorded' } = readingOf(reference) ?? {};
    return [service, reference, ...(isAnswered ? [answers[registry]] : []), readOn, source];
  });
  const header = ['SERVICE', 'IMAGE', ...(isAnswered ? ['REGISTRY'] : []), 'READ ON', 'SOURCE'];
  const note = isAsked && !isAnswered ? ['no registry answers: nothing was checked'] : [];
  return [table([header, ...cells]), ...note].join('\n');
}
