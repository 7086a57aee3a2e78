import { delimiter } from 'node:path';

/** This process's own environment variables: the one place that reads `process.env`. */
export const ownEnvironment: NodeJS.ProcessEnv = process.env;

/** Variables for a child process on top of this one's; `undefined` removes one. */
export type EnvironmentChanges = Readonly<Record<string, string | undefined>>;

/** This process's environment with these changes. */
export function childEnvironment(overrides: EnvironmentChanges): NodeJS.ProcessEnv {
  const env = { ...ownEnvironment };
  for (const [key, value] of Object.entries(overrides)) {
    if (value === undefined) delete env[key];
    else env[key] = value;
  }
  return env;
}

/** Whether a person watches the output; a CI runner may give its jobs a terminal too. */
export const isWatched = (env: NodeJS.ProcessEnv = ownEnvironment): boolean =>
  process.stdout.isTTY === true && env.GITHUB_ACTIONS !== 'true';

/** Keeps colours out of a log: some programs treat CI or TERM as a terminal. */
export const plainOutput = (isTerminal: boolean | undefined): EnvironmentChanges =>
  isTerminal ? {} : { NO_COLOR: '1' };

/** PATH with these directories first, each once. */
export function pathWith(...dirs: readonly string[]): string {
  return [...new Set([...dirs, ...(ownEnvironment.PATH ?? '').split(delimiter)])]
    .filter((dir) => dir !== '')
    .join(delimiter);
}
