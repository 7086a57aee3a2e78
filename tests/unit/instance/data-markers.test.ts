import { readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { imageMajorOf } from '../../../docker/images/pins.ts';
import { mountPointOf } from '../../../host/mounts.ts';
import { currentMarker, readInstanceId, readMarker, writeMarker } from '../../../instance/data-markers.ts';
import { dataVolumes } from '../../../settings/services.ts';
import { testInstance } from '../../helpers/instance.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

describe('the mount of a path', () => {
  const mountInfo = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '30 22 8:2 / /srv rw,relatime shared:2 - ext4 /dev/sdb1 rw',
    '31 30 8:3 / /srv/my\\040disk rw,relatime shared:3 - ext4 /dev/sdc1 rw',
    '',
  ].join('\n');

  test.each([
    ['/', '/'],
    ['/opt/x', '/'],
    ['/srv', '/srv'],
    ['/srv/x', '/srv'],
    ['/srv2/x', '/'],
    ['/srv/my disk/x', '/srv/my disk'],
  ])('%s: %s', (path, mount) => {
    expect(mountPointOf(path, mountInfo)).toBe(mount);
  });

  test('is the root if the host does not list its mounts', () => {
    expect(mountPointOf('/srv/x', '')).toBe('/');
  });
});

test('the major version of the image that writes each directory', () => {
  const majors = dataVolumes.map((volume) => [volume, imageMajorOf(volume)]);
  expect(Object.fromEntries(majors)).toEqual({ postgres: '16', redis: '7', raw: '', prometheus: '3', grafana: '12' });
});

test('a marker is read back as it was written, beside the data and not in it', () => {
  const instance = testInstance();
  writeFiles(instance.dir, { 'instance-id': 'id-1\n', 'data/raw/file': 'x' });
  expect(readMarker(instance, 'raw')).toBeUndefined();
  const marker = currentMarker(instance, join(instance.defaultDataDir, 'raw'), '');
  writeMarker(instance, 'raw', marker);
  expect(readMarker(instance, 'raw')).toEqual({
    stack: 'dev',
    instanceId: 'id-1',
    path: join(instance.defaultDataDir, 'raw'),
    mountPoint: marker.mountPoint,
    imageMajor: '',
  });
  expect(readdirSync(join(instance.defaultDataDir, 'raw'))).toEqual(['file']);
  expect(readdirSync(join(instance.defaultDataDir, '.owners'))).toEqual(['raw.json']);
  expect(statSync(join(instance.defaultDataDir, '.owners', 'raw.json')).mode & 0o777).toBe(0o644);
});

test('a marker names the real path behind a link', () => {
  const instance = testInstance();
  writeFiles(instance.dir, { 'instance-id': 'id-1\n' });
  const disk = temporaryDir();
  symlinkSync(disk, join(instance.dir, 'link'));
  expect(currentMarker(instance, join(instance.dir, 'link'), '7').path).toBe(disk);
});

test.each([
  ['no file', undefined],
  ['an empty file', '\n'],
])('an instance without an id is refused: %s', (got, text) => {
  const instance = testInstance();
  if (text !== undefined) writeFiles(instance.dir, { 'instance-id': text });
  expect(() => readInstanceId(instance)).toThrow(`must hold the id of this instance (got ${got})`);
});
