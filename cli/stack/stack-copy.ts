import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { ensureToolchain } from '../../bootstrap/toolchain/toolchain.ts';
import { UserError } from '../../host/errors.ts';
import { checkoutDir } from '../../host/git.ts';
import type { Progress } from '../../host/output.ts';
import { instanceOf, userDirs } from '../../settings/instance.ts';
import type { Environment } from '../../settings/services.ts';
import { findEngine } from './engine.ts';
import { stackFileText } from './prepare.ts';
import { exportsOf, type Stack } from './stack.ts';
import { checkpointFile } from './state-files.ts';

/**
 * Runs `work` on a copy of a deployed stack's state, with its own Pulumi home, in a temporary directory. Writes nothing
 * to the instance and takes no lock.
 * @throws UserError E_NOT_DEPLOYED, E_NO_SALT
 */
export async function withStackCopy<T>(
  env: Environment,
  progress: Progress,
  work: (stack: Stack) => Promise<T>,
): Promise<T> {
  const engine = await findEngine(env);
  const instance = instanceOf(env, engine.root);
  const checkpoint = checkpointFile(instance);
  if (!existsSync(checkpoint)) {
    throw new UserError(
      'E_NOT_DEPLOYED',
      `${instance.dir}: must be deployed once (got no ${checkpoint})`,
      `Run ./gatewayctl up ${env}.`,
    );
  }
  const toolchain = await ensureToolchain({ cacheDir: userDirs().cacheDir, progress });
  const scratch = mkdtempSync(join(tmpdir(), 'taxlien-gateway-'));
  try {
    const stateDir = join(scratch, 'state');
    const meta = join(instance.stateDir, '.pulumi', 'meta.yaml');
    for (const path of [checkpoint, meta].filter((file) => existsSync(file))) {
      const target = join(stateDir, relative(instance.stateDir, path));
      mkdirSync(dirname(target), { recursive: true });
      copyFileSync(path, target);
    }
    const stackFile = join(scratch, basename(instance.stackFile));
    writeFileSync(stackFile, stackFileText(instance), { mode: 0o600 });
    const pulumiHome = join(scratch, 'home');
    mkdirSync(pulumiHome);
    symlinkSync(join(toolchain.pulumiHome, 'plugins'), join(pulumiHome, 'plugins'));
    const copy = { ...instance, stateDir };
    const exports = {
      ...exportsOf(copy, engine, toolchain),
      PULUMI_HOME: pulumiHome,
      PULUMI_OPTION_CONFIG_FILE: stackFile,
    };
    return await work({ instance: copy, engine, checkoutDir, exports });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
