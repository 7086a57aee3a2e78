import { existsSync, readdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { findingText, UserError } from '../../host/errors.ts';
import { areNested, realPathOf } from '../../host/paths.ts';
import { readMove } from '../../instance/move-journal.ts';
import { instances, otherInstances } from '../../preflight/instances.ts';
import { lackOfRoom, nearestExisting, places } from '../../preflight/places.ts';
import type { Settings } from '../../settings/load.ts';
import { envSchema } from '../../settings/schema.ts';
import type { Environment } from '../../settings/services.ts';

/**
 * The directory that the data is moved to, if an `.env` can hold it without quotes.
 * @throws UserError E_MOVE_TARGET
 */
export function targetOf(env: Environment, text: string): string {
  const to = text.startsWith('/') ? resolve(text) : text;
  if (envSchema.shape.DATA_DIR.safeParse(to).success && !/[\s'"$#\\]/.test(to)) return to;
  throw new UserError(
    'E_MOVE_TARGET',
    `move-data: must be an absolute path without blanks, quotes, "$", "#", "\\", ":" and "," (got ${text})`,
    `Run ./gatewayctl move-data ${env} /srv/taxlien-gateway-${env}.`,
  );
}

/**
 * Refuses a directory that must not hold data, is not empty, or has too little space.
 * @param size returns how many bytes are needed; called last
 * @throws UserError E_MOVE_TARGET
 */
export async function refuseTarget(settings: Settings, to: string, size: () => Promise<number>): Promise<void> {
  const refuse = (rule: string, fix: string) => {
    throw new UserError('E_MOVE_TARGET', `${to}: ${rule}; nothing was changed`, fix);
  };
  const other = 'Name another directory.';
  const nearest = nearestExisting(to);
  if (!statSync(nearest).isDirectory()) refuse(`must be a directory (got the file ${nearest})`, other);
  const [real, from] = [realPathOf(to), realPathOf(settings.dataDir)];
  if (areNested(real, from)) refuse(`must neither contain the data nor be inside it (got ${from})`, other);
  const context = {
    settings: { ...settings, dataDir: to },
    source: { commit: '', isDirty: false },
    neighbours: otherInstances(settings),
  };
  const findings = [...(await places.run(context)), ...(await instances.run(context))];
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) refuse('must not hold the data', errors.map(findingText).join('\n'));
  // Copies of an earlier run of this move are replaced.
  if (readMove(settings.instance)?.to !== to && existsSync(to) && readdirSync(to).length > 0) {
    refuse(`must be empty or missing (got ${readdirSync(to).slice(0, 3).join(', ')})`, other);
  }
  const lack = lackOfRoom(to, await size());
  if (lack !== undefined) refuse(`has too little space for the data (${lack})`, other);
}
