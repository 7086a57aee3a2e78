import { readAdoption } from '../instance/adoption-journal.ts';
import type { HostCheck } from './finding.ts';

/** The data of a Compose project is not half on its way: a deploy would start on a part of it. */
export const openAdoption: HostCheck = {
  name: 'open-adoption',
  reads: 'host',
  run({ settings: { instance, env } }) {
    const phase = readAdoption(instance)?.phase ?? 'done';
    if (phase === 'done') return [];
    return [
      {
        code: 'E_ADOPT_OPEN',
        severity: 'error',
        message: `${instance.dir}: the adoption of a Compose project is not finished (got ${phase})`,
        why: 'A deploy would start on a part of its data.',
        fix: `./gatewayctl adopt ${env}`,
      },
    ];
  },
};
