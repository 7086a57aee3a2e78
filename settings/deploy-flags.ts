import { ownEnvironment } from '../host/environment.ts';

const variable = 'TAXLIEN_GATEWAY_ALLOW_BREAKING_MIGRATION';

/** Allows a migration that the running gateway cannot work with: for one run, so it is in no file. */
export const breakingMigrationAllowed = { [variable]: 'true' } as const;

export const isBreakingMigrationAllowed = (env: NodeJS.ProcessEnv = ownEnvironment): boolean =>
  env[variable] === 'true';
