import { expect, test } from 'vitest';
import { type BuiltImage, expendableImages, removableNames } from '../../../../docker/images/pruning.ts';

const image = (
  id: string,
  tagged: string,
  created = '2026-01-01T00:00:00Z',
  tags: string[] | null = [],
): BuiltImage => ({
  Id: id,
  RepoTags: tags,
  Created: created,
  Metadata: { LastTagTime: tagged },
});

const never = '0001-01-01T00:00:00Z';

test('the five that were tagged last stay, whenever their layers were built', () => {
  const images = [
    image('rolled-back-to', '2026-03-09T10:00:00.5+01:00'),
    image('first', '2026-03-01T10:00:00Z'),
    image('second', '2026-03-02T10:00:00Z'),
    image('third', '2026-03-03T10:00:00Z'),
    image('fourth', '2026-03-04T10:00:00Z'),
    image('never-tagged', never, '2026-03-05T10:00:00Z'),
    image('old-and-never-tagged', never),
  ];
  expect(expendableImages(images).map(({ Id }) => Id)).toEqual(['first', 'old-and-never-tagged']);
  expect(expendableImages(images.slice(0, 5))).toEqual([]);
});

test("an image loses only this project's tags; one without tags is removed by its id", () => {
  const names = (tags: string[] | null) => removableNames(image('sha256:1', never, never, tags), { project: 'p-dev' });
  expect(names(['p-dev/gateway:dev-build-1', 'p-dev-2/gateway:dev', 'mine:1', 'p-dev/gateway:dev-abc'])).toEqual([
    'p-dev/gateway:dev-build-1',
    'p-dev/gateway:dev-abc',
  ]);
  expect(names(['mine:1'])).toEqual([]);
  expect(names([])).toEqual(['sha256:1']);
  expect(names(null)).toEqual(['sha256:1']);
});
