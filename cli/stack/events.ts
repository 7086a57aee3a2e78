import { join } from 'node:path';
import { nameInUrn } from '../../components/resource-names.ts';
import { readIfThere } from '../../host/whole-file.ts';
import { withScratch } from '../../instance/drafts.ts';
import { runPulumi } from './run-pulumi.ts';
import type { Stack } from './stack.ts';

/** What Pulumi may do to a resource, as far as it is reported. */
export const operations = ['create', 'update', 'replace', 'delete'] as const;

/** One thing that a run of Pulumi changed, or found to be otherwise. */
export interface Change {
  readonly operation: (typeof operations)[number];
  /** Name in the program, without the stack's own: `gateway-image`. */
  readonly name: string;
  readonly type: string;
  /** Properties that differ, where Pulumi says which. */
  readonly properties: readonly string[];
  /** Whether it is a container that was found not to run. */
  readonly isStopped?: true;
}

/** What a run of Pulumi told of itself. */
export interface Told {
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

/** Lines of Pulumi's event log, as far as they are read. */
interface EngineEvent {
  readonly diagnosticEvent?: { readonly message: string; readonly severity: string };
  readonly resOutputsEvent?: { readonly metadata: Metadata };
  readonly resOpFailedEvent?: { readonly metadata: Metadata };
}

/**
 * Runs `pulumi` and reads what it told.
 * @param runIt how it is run
 */
export async function runPulumiTelling(
  stack: Stack,
  args: readonly string[],
  runIt: typeof runPulumi = runPulumi,
): Promise<{ readonly exitCode: number; readonly told: Told }> {
  return withScratch(stack.instance, 'run', async (scratch) => {
    const log = join(scratch, 'events.jsonl');
    const exports = {
      ...stack.exports,
      // The option is hidden without it.
      PULUMI_DEBUG_COMMANDS: 'true',
      // It keeps a file of each build, for ever.
      BUILDX_CONFIG: scratch,
      // The user's choice, which is not in there.
      BUILDX_BUILDER: undefined,
    };
    const exitCode = await runIt({ ...stack, exports }, [...args, '--event-log', log]);
    // A run that was refused before it began has written none.
    return { exitCode, told: readEvents(readIfThere(log) ?? '') };
  });
}

export function readEvents(log: string): Told {
  const events = log
    .split('\n')
    // The last line of a run that was killed may be cut off.
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as EngineEvent);
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

/** Each resource once; what a component only groups is no change of its own. */
function changesOf(steps: readonly Metadata[]): readonly Change[] {
  const changes = new Map<string, Change>();
  for (const { op, urn, type, diffs, detailedDiff, new: found } of steps) {
    const operation = operations.find((name) => name === op);
    if (operation === undefined || !/^(docker|command):/.test(type)) continue;
    const properties = [...new Set([...(diffs ?? []), ...Object.keys(detailedDiff ?? {})])].sort();
    // The provider's word for it: the program asks for none that is down.
    const stopped = found?.outputs?.mustRun === false ? { isStopped: true as const } : {};
    changes.set(urn, { operation, name: nameInUrn(urn), type, properties, ...stopped });
  }
  return [...changes.values()];
}

/** Without the marks by which Pulumi colours its text, and without escape sequences. */
const plainText = (text: string) =>
  text
    .replaceAll(/<\{%[^%]*%\}>/g, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed.
    .replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, '')
    .trim();
