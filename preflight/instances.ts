import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ErrorCode } from '../host/error-codes.ts';
import type { Finding } from '../host/errors.ts';
import { UserError } from '../host/errors.ts';
import { areNested } from '../host/paths.ts';
import { instanceOf } from '../settings/instance.ts';
import { loadSettings, type Settings } from '../settings/load.ts';
import { environments, services } from '../settings/services.ts';
import type { HostCheck } from './check.ts';

/** Settings of the other environments under the same root; one with bad settings is reported by its own doctor. */
export function otherInstances({ env, instance, checkoutDir }: Settings): readonly Settings[] {
  const root = dirname(instance.dir);
  return environments.flatMap((other) => {
    const neighbour = instanceOf(other, root);
    if (other === env || !existsSync(neighbour.envFile)) return [];
    try {
      return [loadSettings(neighbour, checkoutDir)];
    } catch (error) {
      if (error instanceof UserError) return [];
      throw error;
    }
  });
}

/** No other environment of this host has the same name, ip:port or data. */
export const instances: HostCheck = {
  name: 'instances',
  reads: 'host',
  run: ({ settings, neighbours }) => neighbours.flatMap((other) => collisions(settings, other)),
};

function collisions(settings: Settings, other: Settings): readonly Finding[] {
  const { envFile } = settings.instance;
  const findings: Finding[] = [];
  const refuse = (code: ErrorCode, variable: string, rule: string, got: string, why: string) =>
    findings.push({
      code,
      severity: 'error',
      message: `${envFile} ${variable}: ${rule} (got ${got}, as in ${other.instance.envFile})`,
      why,
      fix: `Set ${variable} in ${envFile} to a value of its own.`,
    });
  if (settings.project === other.project) {
    const why = 'Containers, network and volumes of both would have the same names.';
    refuse('E_PROJECT_SHARED', 'COMPOSE_PROJECT_NAME', `is also the name of ${other.env}`, settings.project, why);
  }
  if (areNested(settings.dataDir, other.dataDir)) {
    const why = 'Two servers on one data directory destroy it.';
    refuse('E_DATA_SHARED', 'DATA_DIR', `overlaps the data of ${other.env}`, settings.dataDir, why);
  }
  if (settings.bindIp === other.bindIp) {
    for (const service of services.filter((name) => settings.isPublished[name])) {
      const twin = services.find((name) => other.isPublished[name] && other.ports[name] === settings.ports[service]);
      if (twin === undefined) continue;
      const why = 'Only one of the two can run at a time.';
      const got = `${settings.bindIp} and port ${settings.ports[service]}`;
      refuse('E_ADDRESS_SHARED', 'BIND_IP', `${service} has the address of ${twin} of ${other.env}`, got, why);
    }
  }
  return findings;
}
