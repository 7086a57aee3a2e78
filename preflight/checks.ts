import { UserError } from '../settings/errors.ts';
import { bindIp } from './bind-ip.ts';
import { checkout } from './checkout.ts';
import { daemon } from './daemon.ts';
import { dataDirectories, volumeDevices } from './data.ts';
import type { Check, CheckContext, Finding } from './finding.ts';
import { instances } from './instances.ts';
import { places } from './places.ts';
import { ports } from './ports.ts';
import { secrets } from './secrets.ts';
import { takenNames } from './taken-names.ts';

/** All checks, in the order in which their findings are shown. */
export const checks: readonly Check[] = [
  daemon,
  checkout,
  secrets,
  instances,
  bindIp,
  ports,
  takenNames,
  places,
  dataDirectories,
  volumeDevices,
];

/** Runs all checks; without a daemon those that ask it are left out, since its absence is the finding. */
export async function findAll(context: CheckContext): Promise<readonly Finding[]> {
  const daemonFindings = await daemon.run(context);
  const rest = checks.filter((check) => check !== daemon && (check.reads !== 'daemon' || daemonFindings.length === 0));
  return [...daemonFindings, ...(await Promise.all(rest.map((check) => check.run(context)))).flat()];
}

/** One finding as lines of text. */
export const findingText = ({ code, message, why, fix }: Finding) => `${code} ${message}. ${why}\n  ${fix}`;

/**
 * The warnings, where nothing is wrong.
 * @throws UserError E_PREFLIGHT with every error finding
 */
export async function refuseErrors(context: CheckContext): Promise<readonly Finding[]> {
  const findings = await findAll(context);
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return findings;
  throw new UserError('E_PREFLIGHT', `nothing was changed:\n${errors.map(findingText).join('\n')}`, '');
}
