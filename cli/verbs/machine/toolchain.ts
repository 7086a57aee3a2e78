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
    const { parts, binDir, pulumiHome } = await ensureToolchain({ cacheDir: userDirs().cacheDir, progress });
    if (options.json === true) {
      print(JSON.stringify({ binDir, pulumiHome, parts }));
      return 0;
    }
    const rows = Object.entries(parts).map(([name, { version, origin, source, problems }]) => [
      name,
      version,
      origin,
      problems.length === 0 ? source : `${source} (${problems.join('; ')})`,
    ]);
    print(table([['PART', 'VERSION', 'ORIGIN', 'SOURCE'], ...rows]));
    print(`\nprograms: ${binDir}\nPULUMI_HOME: ${pulumiHome}`);
    return 0;
  },
};
