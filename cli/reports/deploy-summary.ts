import { type Finding, findingText } from '../../host/errors.ts';
import { downtimeSeconds } from '../deploy/downtime.ts';
import type { DeployRecord, PortDowntime } from '../deploy/record.ts';
import { type Cell, code, heading, list, markdownTable, preformatted } from './markdown.ts';

/** A deploy as the Markdown of a job summary. */
export function deploySummary(record: DeployRecord): string {
  const { env, failure, changes, warnings } = record;
  const seconds = (record.durationMs / 1000).toFixed(1);
  const parts = [
    heading(1, `${env}: ${failure === undefined ? 'deployed' : 'the deploy failed'}`),
    `Commit ${code(record.commit)}, ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}, ${seconds} s.`,
    ...(failure === undefined
      ? []
      : [heading(2, `Failed: ${failure.phase}`), preformatted(lastLines(failure.cause, 60))]),
    heading(2, failure === undefined ? 'What runs' : 'What runs now'),
    servicesTable(record),
    heading(2, 'What changed'),
    changesTable(record),
    ...(warnings.length === 0 ? [] : [heading(2, 'Warnings'), list(warnings)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** A run without a deploy, with the findings of the checks. */
export function undeployedSummary(env: string, findings: readonly Finding[]): string {
  const parts = [
    heading(1, `${env}: nothing was deployed`),
    'No deploy finished in this run: it failed earlier, found another deploy running, or was stopped. See the log of the failed step. The next deploy repairs the stack.',
    heading(2, 'Findings of doctor'),
    findings.length === 0 ? 'No problems found.' : list(findings.map(findingText)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function servicesTable({ services, downtime }: DeployRecord): string {
  if (services.length === 0) return 'The daemon did not answer.';
  const rows = services.map(({ service, image, address, health }): readonly Cell[] => [
    service,
    code(image),
    address === '' ? 'not published' : code(address),
    health,
    downtimeOf(downtime.find((port) => port.service === service)),
  ]);
  return markdownTable(['Service', 'Image', 'Address', 'Health', 'Downtime'], rows);
}

const downtimeOf = (port: PortDowntime | undefined) =>
  port === undefined ? '-' : port.ms === 0 ? 'none' : `${downtimeSeconds(port.ms)} s`;

function changesTable({ changes }: DeployRecord): string {
  if (changes.length === 0) return 'Nothing.';
  const rows = changes.map(({ operation, name, properties }) => [operation, name, properties.join(', ')]);
  return markdownTable(['Operation', 'Resource', 'Properties'], rows);
}

function lastLines(text: string, most: number): string {
  const lines = text.split('\n');
  return lines.length <= most ? text : [`(${lines.length - most} lines before)`, ...lines.slice(-most)].join('\n');
}
