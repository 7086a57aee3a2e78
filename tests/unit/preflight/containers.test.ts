import { describe, expect, test } from 'vitest';
import { parsePsLine } from '../../../preflight/containers.ts';

const line = (Ports: string, Labels = '') => ({ Names: 'web', Ports, Labels });

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

test('name and Compose project', () => {
  const labels = 'maintainer=someone,com.docker.compose.project=shop,com.docker.compose.service=web';
  expect(parsePsLine(line('', labels))).toEqual({ name: 'web', project: 'shop', published: [] });
  expect(parsePsLine(line('', 'maintainer=someone'))).toEqual({ name: 'web', project: '', published: [] });
});
