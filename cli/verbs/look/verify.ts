import { statusTable } from '../../../docker/status.ts';
import { checkoutDir } from '../../../host/git.ts';
import { print } from '../../../host/output.ts';
import { type Instance, instanceOf, parseEnvironment } from '../../../settings/instance.ts';
import { loadSettings } from '../../../settings/load.ts';
import { waitUntilReady } from '../../deploy/ready.ts';
import { findEngine } from '../../stack/engine.ts';
import type { Verb } from '../verb.ts';

export const verify: Verb = {
  usage: '<env> [--json]',
  summary: 'check health from outside',
  details:
    'Waits until every service is healthy, the gateway answers on its address, and Grafana answers a query through its data source; exit 1 with the last log lines if one does not.',
  options: { json: { type: 'boolean' } },
  words: [1, 1],
  async run({ words, options, progress }) {
    const env = parseEnvironment(words[0]);
    const { docker, root } = await findEngine(env);
    const instance: Instance = instanceOf(env, root);
    const rows = await waitUntilReady({ docker, settings: loadSettings(instance, checkoutDir) }, progress);
    print(options.json === true ? JSON.stringify(rows) : statusTable(rows));
    return 0;
  },
};
