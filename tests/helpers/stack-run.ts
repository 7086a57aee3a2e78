import { GatewayStack } from '../../components/gateway-stack.ts';
import { stackName } from '../../components/resource-names.ts';
import type { Source } from '../../host/git.ts';
import type { SecretGenerations } from '../../instance/secret-files.ts';
import { testCheckout } from './checkout.ts';
import { cleanSource, type TestSettingsOptions, testSettings } from './instance.ts';
import { type ProgramRun, runProgram } from './pulumi-mocks.ts';
import { temporaryDir } from './temporary.ts';

export interface StackRunOptions extends TestSettingsOptions {
  readonly source?: Source;
  readonly secretGenerations?: Partial<SecretGenerations>;
  readonly hostPathsId?: string;
}

/** Directories that several runs of one test share. */
export const stackPlace = () => ({ root: temporaryDir(), checkoutDir: testCheckout() });

/** A whole environment under mocks. */
export function runStack(options: StackRunOptions): Promise<ProgramRun<GatewayStack>> {
  const { source = cleanSource, hostPathsId = 'paths-1', ...rest } = options;
  const settings = testSettings(options);
  const secretGenerations = {
    gateway: 'gw-1',
    db: 'db-1',
    redis: 'redis-1',
    grafana: 'gf-1',
    ...rest.secretGenerations,
  };
  return runProgram(() => new GatewayStack(stackName, { settings, source, secretGenerations, hostPathsId }));
}
