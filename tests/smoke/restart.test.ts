import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { containersOf, eventually, gatewayctl, makeShell, type Shell, tearDown } from '../helpers/engine.ts';

const project = 'taxlien-gateway-dev';

describe('a main process that is killed', () => {
  let shell: Shell;

  beforeAll(async () => {
    shell = await makeShell('restart');
    await gatewayctl(shell, ['up', 'dev']);
  });

  afterAll(async () => {
    await tearDown(shell, 'dev');
  });

  test.each(['gateway', 'db', 'redis', 'prometheus', 'grafana'])('%s restarts and is healthy', async (service) => {
    const before = (await containersOf(project))[service];
    if (before === undefined) throw new Error(`no container of ${service}`);
    process.kill(before.State.Pid, 'SIGKILL');
    const after = await eventually(`${service} healthy again`, 60_000, async () => {
      const now = (await containersOf(project))[service];
      const isBack = now?.State.Health.Status === 'healthy' && now.State.StartedAt !== before.State.StartedAt;
      return isBack ? now : undefined;
    });
    expect(after.Id).toBe(before.Id);
    expect(after.State.Pid).not.toBe(before.State.Pid);
  });
});
