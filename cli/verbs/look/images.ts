import { type Pin, pinsOf, readingOf } from '../../../docker/images/pins.ts';
import { askRegistry, type RegistryAnswer } from '../../../docker/images/registry.ts';
import { checkoutDir } from '../../../host/git.ts';
import { print, table } from '../../../host/output.ts';
import type { Verb } from '../verb.ts';

type AskedPin = Pin & { readonly registry?: RegistryAnswer };

export const images: Verb = {
  usage: '[--check] [--json]',
  summary: 'list the pinned images; check them in the registry',
  details: 'Each image that a deploy pulls or builds on, with the date and source of its tag.',
  options: { check: { type: 'boolean' }, json: { type: 'boolean' } },
  optionHelp: { check: 'look up each image in its registry; exit 1 if one is missing there' },
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
  unclear: 'unclear',
  none: 'no answer',
};

/** The pins as a table, with the registry's answers if it gave any. */
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
