import type { DockerClient } from '../docker/client.ts';
import { errorFinding, type Finding, findingText, isRefusal, UserError } from '../host/errors.ts';
import type { Source } from '../host/git.ts';
import type { Settings } from '../settings/load.ts';
import { bindIp, subnets } from './bind-ip.ts';
import type { Check } from './check.ts';
import { checkout } from './checkout.ts';
import { askDaemon, daemon, sameDaemon } from './daemon.ts';
import { dataDirectories, dataInUse, dataOwner, volumeDevices } from './data.ts';
import { images } from './images.ts';
import { instances, otherInstances } from './instances.ts';
import { daemonPlaces, places } from './places.ts';
import { ports } from './ports.ts';
import { secrets } from './secrets.ts';
import { takenNames } from './taken-names.ts';
import { openAdoption, openMove, rotation } from './unfinished.ts';

/** All checks, in the order in which their findings are shown. */
export const checks: readonly Check[] = [
  daemon,
  sameDaemon,
  checkout,
  secrets,
  rotation,
  instances,
  bindIp,
  subnets,
  ports,
  takenNames,
  images,
  places,
  daemonPlaces,
  openMove,
  openAdoption,
  dataDirectories,
  dataOwner,
  dataInUse,
  volumeDevices,
];

/** What is checked. */
export interface Subject {
  readonly settings: Settings;
  readonly source: Source;
  readonly docker: DockerClient;
}

/** Runs all checks; without a daemon, those that need it are skipped, since its absence is the finding. */
export async function findAll({ settings, source, docker }: Subject): Promise<readonly Finding[]> {
  const answer = await askDaemon(docker);
  const host = { settings, source, neighbours: otherInstances(settings) };
  const runs = checks.map(async (check) => {
    try {
      if (check.reads === 'host') return await check.run(host);
      return 'code' in answer ? [] : await check.run({ ...host, daemon: answer });
    } catch (error) {
      // For example a damaged file: the findings of the other checks must not be lost.
      if (!isRefusal(error)) throw error;
      return [errorFinding(error.code, error.message, error.fix)];
    }
  });
  return ['code' in answer ? [answer] : [], ...(await Promise.all(runs))].flat();
}

/**
 * Runs all checks and returns the warnings.
 * @throws UserError E_PREFLIGHT with every error finding
 */
export async function preflightWarnings(subject: Subject): Promise<readonly Finding[]> {
  const findings = await findAll(subject);
  refuseErrors(findings);
  return findings;
}

/** @throws UserError E_PREFLIGHT with every finding that is an error */
export function refuseErrors(findings: readonly Finding[]): void {
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  throw new UserError('E_PREFLIGHT', `nothing was changed:\n${errors.map(findingText).join('\n')}`, '');
}
