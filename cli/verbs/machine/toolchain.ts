import { ensureToolchain } from '../../../bootstrap/toolchain/toolchain.ts';
import { print, table } from '../../../host/output.ts';
import { userDirs } from '../../../settings/instance.ts';
import type { Verb } from '../verb.ts';

export const toolchain: Verb = {
  usage: '[--json]',
  summary: 'bring Pulumi and its plugins',
  details: 'Says of each part which version is used, where it came from and why.',
  options: { json: { type: 'boolean' } },
  words: [0, 0],
  async run({ options, progress }) {
    const { origin, binDir, pulumiHome } = await ensureToolchain({ cacheDir: userDirs().cacheDir, progress });
    if (options.json === true) {
      print(JSON.stringify({ binDir, pulumiHome, origin }));
      return 0;
    }
    const rows = Object.entries(origin).map(([name, { version, from, why }]) => [name, version, from, why]);
    print(table([['PART', 'VERSION', 'FROM', 'WHY'], ...rows]));
    print(`\nprograms: ${binDir}\nPULUMI_HOME: ${pulumiHome}`);
    return 0;
  },
};
