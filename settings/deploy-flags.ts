import { ownEnvironment } from '../host/environment.ts';

const variable = 'TAXLIEN_GATEWAY_ALLOW_BREAKING_MIGRATION';

/** What allows a migration that the running gateway cannot live with: for one run, so it stands in no file. */
export const breakingMigrationAllowed = { [variable]: 'true' } as const;

export const isBreakingMigrationAllowed = (env: NodeJS.ProcessEnv = ownEnvironment): boolean =>
  env[variable] === 'true';
