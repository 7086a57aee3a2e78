import { join } from 'node:path';
import { nameInUrn } from '../../components/resource-names.ts';
import { parseJson, readIfThere } from '../../host/whole-file.ts';
import { withScratch } from '../../instance/drafts.ts';
import { runPulumi } from './run-pulumi.ts';
import type { Stack } from './stack.ts';

/** Operations on resources that are reported. */
export const operations = ['create', 'update', 'replace', 'delete'] as const;

/** One resource that a run of Pulumi changed, or found to differ. */
export interface Change {
  readonly operation: (typeof operations)[number];
  /** Name in the program, without the stack's own: `gateway-image`. */
  readonly name: string;
  readonly type: string;
  /** Properties that differ, if Pulumi says which. */
  readonly properties: readonly string[];
  /** A container that is not running. */
  readonly isStopped?: true;
}

/** What the event log of a run of Pulumi says. */
export interface PulumiReport {
  readonly changes: readonly Change[];
  /** Names of resources whose operation failed. */
  readonly failed: readonly string[];
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

interface Metadata {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly diffs?: readonly string[] | null;
  readonly detailedDiff?: Readonly<Record<string, unknown>> | null;
  readonly new?: { readonly outputs?: { readonly mustRun?: boolean } } | null;
}

/** The part of a line of Pulumi's event log that is read here. */
interface EngineEvent {
  readonly diagnosticEvent?: { readonly message: string; readonly severity: string };
  readonly resOutputsEvent?: { readonly metadata: Metadata };
  readonly resOpFailedEvent?: { readonly metadata: Metadata };
}

/**
 * Runs `pulumi` and reads its event log.
 * @param runIt runs it
 */
export async function runPulumiReporting(
  stack: Stack,
  args: readonly string[],
  runIt: typeof runPulumi = runPulumi,
): Promise<{ readonly exitCode: number; readonly report: PulumiReport }> {
  return withScratch(stack.instance, 'run', async (scratch) => {
    const log = join(scratch, 'events.jsonl');
    const exports = {
      ...stack.exports,
      // Without it, --event-log is refused.
      PULUMI_DEBUG_COMMANDS: 'true',
      // buildx keeps a file of each build and never removes it.
      BUILDX_CONFIG: scratch,
      // The user's choice of a builder is not in that directory.
      BUILDX_BUILDER: undefined,
    };
    const exitCode = await runIt({ ...stack, exports }, [...args, '--event-log', log]);
    // A run that was refused at once has written no log.
    return { exitCode, report: readEvents(readIfThere(log) ?? '') };
  });
}

export function readEvents(log: string): PulumiReport {
  const events = log
    .split('\n')
    // The last line of a killed run may be incomplete.
    .flatMap((line) => (parseJson(line) as EngineEvent | undefined) ?? []);
  const diagnostics = (severity: string) => [
    ...new Set(
      events.flatMap(({ diagnosticEvent }) =>
        diagnosticEvent?.severity === severity ? [plainText(diagnosticEvent.message)] : [],
      ),
    ),
  ];
  const steps = events.flatMap(({ resOutputsEvent }) => resOutputsEvent?.metadata ?? []);
  return {
    changes: changesOf(steps),
    failed: events.flatMap(({ resOpFailedEvent }) =>
      resOpFailedEvent === undefined ? [] : [nameInUrn(resOpFailedEvent.metadata.urn)],
    ),
    errors: diagnostics('error'),
    warnings: diagnostics('warning'),
  };
}

/** Each resource once; components are left out, since they only group resources. */
function changesOf(steps: readonly Metadata[]): readonly Change[] {
  const changes = new Map<string, Change>();
  for (const { op, urn, type, diffs, detailedDiff, new: found } of steps) {
    const operation = operations.find((name) => name === op);
    if (operation === undefined || !/^(docker|command):/.test(type)) continue;
    const properties = [...new Set([...(diffs ?? []), ...Object.keys(detailedDiff ?? {})])].sort();
    // How the provider reports it: the program never sets mustRun to false.
    const stopped = found?.outputs?.mustRun === false ? { isStopped: true as const } : {};
    changes.set(urn, { operation, name: nameInUrn(urn), type, properties, ...stopped });
  }
  return [...changes.values()];
}

/** Removes Pulumi's colour marks and escape sequences. */
const plainText = (text: string) =>
  text
    .replaceAll(/<\{%[^%]*%\}>/g, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are removed.
    .replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, '')
    .trim();
