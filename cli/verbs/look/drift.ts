import { childEnvironment } from '../../../host/environment.ts';
import { print } from '../../../host/output.ts';
import { code, list } from '../../reports/markdown.ts';
import { type Change, runPulumiReporting } from '../../stack/events.ts';
import { runPulumiProcess } from '../../stack/run-pulumi.ts';
import type { Stack } from '../../stack/stack.ts';
import { stackVerb } from '../stack-verb.ts';

export const drift = stackVerb(
  {
    summary: 'report what was changed by hand since the last deploy',
    details:
      'Compares the daemon with the state, and changes neither. Exit 1, with a list in Markdown, if something differs; the next up repairs it.',
  },
  async (stack) => {
    const { report } = await runPulumiReporting(stack, ['refresh', '--preview-only', '--non-interactive'], runQuietly);
    print(driftText(stack.instance.env, report.changes));
    return report.changes.length === 0 ? 0 : 1;
  },
);

/** Prints nothing: Pulumi's lines would hide the list. A failure's lines are in the error. */
async function runQuietly({ checkoutDir, exports }: Stack, args: readonly string[]): Promise<number> {
  return (await runPulumiProcess(args, { cwd: checkoutDir, env: childEnvironment(exports) })).exitCode;
}

export function driftText(env: string, changes: readonly Change[]): string {
  if (changes.length === 0) return `${env}: nothing was changed by hand.`;
  const lines = changes.map((change) => `${change.name}: ${differenceOf(change)}`);
  return `# ${env}: changed by hand\n\n${list(lines)}\n\n${code(`./gatewayctl up ${env}`)} repairs it.`;
}

function differenceOf({ operation, properties, isStopped }: Change): string {
  if (operation === 'delete') return 'is gone';
  // Docker shows no ports of a stopped container.
  const others = isStopped ? properties.filter((name) => name !== 'mustRun' && !name.startsWith('ports')) : properties;
  const differs = ['differs', ...(others.length === 0 ? [] : ['in', others.join(', ')])].join(' ');
  if (!isStopped) return differs;
  return others.length === 0 ? 'is stopped' : `is stopped and ${differs}`;
}
