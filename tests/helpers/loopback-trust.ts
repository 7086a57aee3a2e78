import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../host/process.ts';
import { docker, eventually } from './engine.ts';

/** What the official image writes without arguments for initdb: an adopted database has it. */
const officialRules = `local all all trust
host all all 127.0.0.1/32 trust
host all all ::1/128 trust
local replication all trust
host replication all 127.0.0.1/32 trust
host replication all ::1/128 trust

host all all all scram-sha-256
`;

/**
 * Lets the running database of an environment trust loopback.
 * @returns undoes it
 */
export async function trustLoopback(root: string, env: string): Promise<() => Promise<void>> {
  const file = join(root, env, 'data/postgres/pg_hba.conf');
  const before = readFileSync(file, 'utf8');
  const container = `taxlien-gateway-${env}-db`;
  const asked = ['psql', '--no-password', '--host', '127.0.0.1', '--username', 'gateway', '--command', 'select 1'];
  const isTrusting = async () =>
    (await run(['docker', 'exec', container, ...asked], { allowedExitCodes: 'any' })).exitCode === 0;
  const use = async (text: string, wanted: boolean) => {
    writeFileSync(file, text);
    await docker('kill', '--signal', 'HUP', container);
    await eventually('the rules are read', 10_000, async () => (await isTrusting()) === wanted || undefined);
  };
  await use(officialRules, true);
  return () => use(before, false);
}
