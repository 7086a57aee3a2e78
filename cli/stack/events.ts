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
  // The option is hidden without it.
  const telling = { ...stack, exports: { ...stack.exports, PULUMI_DEBUG_COMMANDS: 'true' } };
  return withScratch(stack.instance, 'events', async (scratch) => {
    const log = join(scratch, 'events.jsonl');
    const exitCode = await runIt(telling, [...args, '--event-log', log]);
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
  for (const { op, urn, type, diffs, detailedDiff } of steps) {
    const operation = operations.find((name) => name === op);
    if (operation === undefined || !/^(docker|command):/.test(type)) continue;
    const properties = [...new Set([...(diffs ?? []), ...Object.keys(detailedDiff ?? {})])].sort();
    changes.set(urn, { operation, name: nameInUrn(urn), type, properties });
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
