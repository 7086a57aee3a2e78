import { describe, expect, test } from 'vitest';
import { parsePsLine, projectOf } from '../../../docker/daemon-facts.ts';

const line = (Ports: string, Labels = '', Mounts = '') => ({ Names: 'web', State: 'running', Ports, Labels, Mounts });

describe('published ports', () => {
  test.each<[string, readonly (readonly [string, number])[]]>([
    ['', []],
    ['5432/tcp', []],
    ['127.0.10.1:5432->5432/tcp', [['127.0.10.1', 5432]]],
    [
      '0.0.0.0:80->8080/tcp, [::]:80->8080/tcp',
      [
        ['0.0.0.0', 80],
        ['::', 80],
      ],
    ],
    [':::80->8080/tcp', [['::', 80]]],
    ['[2001:db8::1]:80->80/tcp', [['2001:db8::1', 80]]],
    [
      '0.0.0.0:8000-8002->8000-8002/tcp, 9000/tcp',
      [
        ['0.0.0.0', 8000],
        ['0.0.0.0', 8001],
        ['0.0.0.0', 8002],
      ],
    ],
    ['0.0.0.0:53->53/udp, 0.0.0.0:53->53/tcp', [['0.0.0.0', 53]]],
  ])('%j', (text, wanted) => {
    expect(parsePsLine(line(text)).published).toEqual(wanted.map(([ip, port]) => ({ ip, port })));
  });
});

test('name, labels and mounts', () => {
  const labels = 'maintainer=someone,com.docker.compose.project=shop,com.docker.compose.service=web';
  const found = parsePsLine(line('', labels, 'shop_data,/host_mnt/Users/me/data'));
  expect(found).toEqual({
    name: 'web',
    isRunning: true,
    isRestarting: false,
    labels: {
      maintainer: 'someone',
      'com.docker.compose.project': 'shop',
      'com.docker.compose.service': 'web',
    },
    published: [],
    mounts: ['shop_data', '/Users/me/data'],
  });
  expect([projectOf(found.labels), projectOf({})]).toEqual(['shop', '']);
});
