import { expect, test } from 'vitest';
import { mountsBelow } from '../../../host/mounts.ts';

const mountInfo = [
  '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
  '40 22 0:40 / /box/data/overlay2/1/merged rw - overlay overlay rw',
  '41 22 254:0 /srv /box/data/volumes/a\\040b/_data rw - ext4 /dev/vda rw',
  '42 22 254:0 /srv/deep /box/data/volumes/a\\040b/_data/deep rw - ext4 /dev/vda rw',
  '43 22 0:50 / /boxes rw - tmpfs tmpfs rw',
  '44 22 0:51 / /box rw - tmpfs tmpfs rw',
  '',
].join('\n');

test('finds the mounts at and below a directory, the latest first, with their real names', () => {
  expect(mountsBelow('/box', mountInfo)).toEqual([
    '/box',
    '/box/data/volumes/a b/_data/deep',
    '/box/data/volumes/a b/_data',
    '/box/data/overlay2/1/merged',
  ]);
});

test('a directory whose name only has the same beginning is another one', () => {
  expect(mountsBelow('/box/data/vol', mountInfo)).toEqual([]);
});
