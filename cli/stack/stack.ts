import { dirname, join } from 'node:path';
import type { Toolchain } from '../../bootstrap/toolchain/toolchain.ts';
import { type EnvironmentChanges, pathWith } from '../../host/environment.ts';
import { checkoutDir } from '../../host/git.ts';
import type { Instance } from '../../settings/instance.ts';
import type { Settings } from '../../settings/load.ts';
import type { Engine } from './engine.ts';

/** All that a `pulumi` or `docker` command needs to work on one environment. */
export interface Stack {
  readonly instance: Instance;
  readonly engine: Engine;
  readonly checkoutDir: string;
  /** Environment variables that make the shell the stack's own; `undefined` unsets one. */
  readonly exports: EnvironmentChanges;
}

/** A stack with the settings that it was prepared with; `undefined` if they are invalid. */
export interface StackWithSettings<S extends Settings | undefined = Settings> extends Stack {
  readonly settings: S;
}

/** Environment variables by which Pulumi and Docker work on an instance. */
export function exportsOf(instance: Instance, engine: Engine, toolchain: Toolchain): EnvironmentChanges {
  return {
    PATH: pathWith(toolchain.binDir, dirname(process.execPath)),
    DOCKER_HOST: engine.docker.host,
    // The gateway's Dockerfile needs BuildKit, whatever the caller's shell has set.
    DOCKER_BUILDKIT: '1',
    TAXLIEN_GATEWAY_ROOT: engine.root,
    PULUMI_HOME: toolchain.pulumiHome,
    PULUMI_BACKEND_URL: `file://${instance.stateDir}`,
    PULUMI_STACK: instance.env,
    PULUMI_CONFIG_PASSPHRASE: undefined,
    PULUMI_CONFIG_PASSPHRASE_FILE: instance.passphraseFile,
    PULUMI_OPTION_CONFIG_FILE: instance.stackFile,
    PULUMI_OPTION_EXCLUDE_PROTECTED: 'true',
    PULUMI_OPTION_PRESERVE_CONFIG: 'true',
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    // It keeps a log of each run, by itself up to 500 MB of them.
    PULUMI_LOG_ROTATION_MAX_TOTAL_MB: '50',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    PULUMI_IGNORE_AMBIENT_PLUGINS: 'true',
    // Node never removes an entry: here they go with the packages.
    NODE_COMPILE_CACHE: join(checkoutDir, 'node_modules', '.cache', 'compile'),
    // By default a build of the same sources gives another image id each time on engines with containerd's image store.
    BUILDX_NO_DEFAULT_ATTESTATIONS: '1',
    // Pulumi's ts-node compiles nothing here, and would leave a directory among the system's temporary files.
    TS_NODE_CACHE: 'false',
  };
}
