import { z } from 'zod';
import { wordsOf } from '../../components/resource-names.ts';
import { childEnvironment } from '../../host/environment.ts';
import { ifRefused } from '../../host/errors.ts';
import { checkoutDir, readSource } from '../../host/git.ts';
import { environments, type ServiceName, services } from '../../settings/services.ts';
import { type PortDowntime, readDeployRecord } from '../deploy/record.ts';
import { operations, type PulumiReport, runPulumiReporting } from '../stack/events.ts';
import { runPulumiProcess } from '../stack/run-pulumi.ts';
import type { Stack } from '../stack/stack.ts';

const mostChanges = 150;
const mostText = 12_000;

/**
 * What an `up` of a checkout would change. It comes from a job that ran a pull request's code: every reader validates
 * it. Contains no setting's value.
 */
export const planSchema = z.strictObject({
  env: z.enum(environments),
  commit: z.string().max(100),
  changes: z
    .array(
      z.strictObject({
        operation: z.enum(operations),
        name: z.string().max(200),
        type: z.string().max(200),
        properties: z.array(z.string().max(200)).max(50),
      }),
    )
    .max(mostChanges),
  /** Number of changes that are not listed. */
  more: z.int().nonnegative(),
  /** Services whose container stops, with the downtime of their port at the last deploy that replaced it, in ms. */
  stops: z.array(z.strictObject({ service: z.enum(services), lastDowntimeMs: z.number().nonnegative().optional() })),
  /** Why there is no plan. */
  failure: z.string().max(mostText).optional(),
});

export type Plan = z.infer<typeof planSchema>;

/** Asks Pulumi for the plan of this checkout. */
export async function makePlan(stack: Stack): Promise<Plan> {
  let output = '';
  const { exitCode, report } = await runPulumiReporting(
    stack,
    ['preview', '--non-interactive'],
    async (prepared, args) => {
      const env = childEnvironment({ ...prepared.exports, NO_COLOR: '1' });
      const result = await runPulumiProcess(args, { cwd: prepared.checkoutDir, env, allowedExitCodes: 'any' });
      output = `${result.stdout}${result.stderr}`.trim();
      return result.exitCode;
    },
  );
  const { commit } = await readSource(checkoutDir);
  const downtime = lastDowntime(stack);
  return planOf(stack.instance.env, commit, report, exitCode === 0 ? undefined : output, downtime);
}

/** Only an expectation: a damaged record must not prevent the plan. */
function lastDowntime({ instance }: Stack): readonly PortDowntime[] {
  try {
    return readDeployRecord(instance)?.downtime ?? [];
  } catch (error) {
    return ifRefused([])(error);
  }
}

/** @param output what Pulumi printed, if it failed */
export function planOf(
  env: Plan['env'],
  commit: string,
  { changes, errors }: PulumiReport,
  output: string | undefined,
  downtime: readonly { readonly service: ServiceName; readonly ms: number }[],
): Plan {
  const stopped = services.filter((service) =>
    changes.some(({ operation, name }) => wordsOf(name).containerOf === service && stops(operation)),
  );
  return {
    env,
    commit,
    changes: changes
      .slice(0, mostChanges)
      .map(({ properties, ...change }) => ({ ...change, properties: properties.slice(0, 50) })),
    more: Math.max(0, changes.length - mostChanges),
    stops: stopped.map((service) => {
      const ms = downtime.find((port) => port.service === service)?.ms ?? 0;
      return { service, ...(ms === 0 ? {} : { lastDowntimeMs: ms }) };
    }),
    ...(output === undefined ? {} : { failure: (errors.join('\n') || output).slice(-mostText) }),
  };
}

const stops = (operation: string) => operation === 'replace' || operation === 'delete';
