import { existsSync } from 'node:fs';
import { UserError } from '../../../host/errors.ts';
import { print } from '../../../host/output.ts';
import { makeInstance } from '../../../instance/setup.ts';
import { instanceOf, instancesRoot, parseEnvironment } from '../../../settings/instance.ts';
import type { Verb } from '../verb.ts';

export const init: Verb = {
  usage: '<env> --bind-ip <address>',
  summary: 'create an instance',
  details: 'Creates its directories and an .env with random secrets. Never overwrites an existing .env.',
  options: { 'bind-ip': { type: 'string' } },
  optionHelp: { 'bind-ip': 'address of this host that publishes the ports; no other project may use it' },
  words: [1, 1],
  async run({ words, options }) {
    const instance = instanceOf(parseEnvironment(words[0]), instancesRoot());
    const bindIp = options['bind-ip'];
    if (bindIp === undefined && !existsSync(instance.envFile)) {
      throw new UserError(
        'E_BIND_IP',
        `init ${instance.env}: an instance requires its own address (got no --bind-ip)`,
        `Run ./gatewayctl init ${instance.env} --bind-ip <address of this host>; "ip addr" lists them.`,
      );
    }
    if (existsSync(instance.envFile)) {
      print(`${instance.envFile}: already exists; nothing was changed`);
      return 0;
    }
    makeInstance(instance, String(bindIp));
    print(`created ${instance.dir}; its settings: ${instance.envFile}`);
    return 0;
  },
};
