import { builtPluginLine, ensureToolchain } from '../../../bootstrap/toolchain/toolchain.ts';
import { note, print, table } from '../../../host/output.ts';
import { userDirs } from '../../../settings/instance.ts';
import type { Verb } from '../verb.ts';

export const toolchain: Verb = {
  usage: '[--renew] [--json]',
  summary: 'install Pulumi and its plugins',
  details: 'Lists version, origin (official, built here or found here) and source of each part.',
  options: { renew: { type: 'boolean' }, json: { type: 'boolean' } },
  optionHelp: { renew: 'download all parts again, to replace built ones; a part that cannot be downloaded is kept' },
  words: [0, 0],
  async run({ options, progress }) {
    const { cacheDir } = userDirs();
    const installed = await ensureToolchain({ cacheDir, progress, isRenewal: options.renew === true });
    if (options.json === true) {
      print(JSON.stringify(installed));
      return 0;
    }
    const rows = Object.entries(installed.parts).map(([name, { version, origin, source, problems }]) => [
      name,
      version,
      origin,
      problems.length === 0 ? source : `${source} (${problems.join('; ')})`,
    ]);
    print(table([['PART', 'VERSION', 'ORIGIN', 'SOURCE'], ...rows]));
    print(`\nprograms: ${installed.binDir}\nPULUMI_HOME: ${installed.pulumiHome}`);
    const built = builtPluginLine(installed);
    if (built !== undefined) note(built);
    return 0;
  },
};
