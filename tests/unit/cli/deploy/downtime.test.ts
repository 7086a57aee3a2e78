import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { Downtime, downtimeLines, watchPorts } from '../../../../cli/deploy/downtime.ts';
import { eventually } from '../../../helpers/engine.ts';
import { testSettings } from '../../../helpers/instance.ts';

test('a downtime lasts from the last good answer to the next', () => {
  const downtime = new Downtime();
  downtime.note(0, 1, false);
  expect(downtime.totalMs(500)).toBe(0);
  downtime.note(1_000, 1_010, true);
  downtime.note(1_040, 1_041, false);
  expect(downtime.totalMs(1_500)).toBe(500);
  downtime.note(1_080, 2_080, false);
  downtime.note(2_100, 2_120, true);
  expect(downtime.totalMs(9_000)).toBe(1_120);
  downtime.note(3_000, 3_001, false);
  downtime.note(3_040, 3_050, true);
  expect(downtime.totalMs(9_000)).toBe(2_070);
});

test('only ports that answered and then did not are reported', async () => {
  let answered = 0;
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      answered += 1;
      socket.end('HTTP/1.0 200 OK\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.10.7', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const variables = { BIND_IP: '127.0.10.7', GATEWAY_PORT: `${port}`, DB_PUBLISH: 'false' };
  const stop = watchPorts(testSettings({ variables }));
  await eventually('the port is asked', 5_000, async () => (answered > 1 ? true : undefined));
  await new Promise((resolve) => server.close(resolve));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(downtimeLines(await stop())).toEqual([expect.stringMatching(/^gateway: down for 0\.[2-9] s$/)]);
});
