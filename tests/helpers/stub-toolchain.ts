import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { toolchainKeys } from '../../bootstrap/toolchain/keys.ts';
import { platformOf } from '../../bootstrap/toolchain/parts.ts';
import { checkoutDir } from '../../host/git.ts';
import { temporaryDir, writeFiles } from './temporary.ts';

/**
 * Puts a toolchain whose `pulumi` is a shell script into a cache of this test.
 * @returns its directory
 */
export function stubToolchain(script: string): string {
  const cacheHome = temporaryDir();
  const platform = platformOf(process.platform, process.arch);
  const { official } = toolchainKeys(join(checkoutDir, 'bootstrap/toolchain'), platform);
  const dir = join(cacheHome, 'taxlien-gateway/toolchain', official);
  const part = { version: '1', origin: 'official', source: 'a test', problems: [] };
  const parts = { pulumi: part, 'language-nodejs': part, docker: part, command: part };
  writeFiles(dir, {
    'toolchain.json': JSON.stringify(parts),
    'bin/pulumi': `#!/bin/sh\n${script}\n`,
    'home/plugins/a-plugin': 'plugin',
  });
  chmodSync(join(dir, 'bin/pulumi'), 0o755);
  vi.stubEnv('XDG_CACHE_HOME', cacheHome);
  return dir;
}
