import { existsSync } from 'node:fs';
import { readStatus, type ServiceStatus, statusTable } from '../../../docker/status.ts';
import { checkoutDir } from '../../../host/git.ts';
import { print } from '../../../host/output.ts';
import { instanceOf, parseEnvironment } from '../../../settings/instance.ts';
import { loadSettings } from '../../../settings/load.ts';
import { environments } from '../../../settings/services.ts';
import { findEngine } from '../../stack/engine.ts';
import type { Verb } from '../verb.ts';

export const status: Verb = {
  usage: '[env] [--json]',
  summary: 'show what runs where',
  details: 'Service, image, address and health, from the daemon; without an environment, of all instances.',
  options: { json: { type: 'boolean' } },
  words: [0, 1],
  async run({ words, options }) {
    const wanted = words.length === 0 ? environments : [parseEnvironment(words[0])];
    const rows: ServiceStatus[] = [];
    for (const env of wanted) {
      const { docker, root } = await findEngine(env);
      const instance = instanceOf(env, root);
      if (words.length === 0 && !existsSync(instance.envFile)) continue;
      rows.push(...(await readStatus(docker, loadSettings(instance, checkoutDir))));
    }
    if (options.json === true) print(JSON.stringify(rows));
    else print(rows.length === 0 ? 'no instance found; create one: ./gatewayctl init <env>' : statusTable(rows));
    return 0;
  },
};
