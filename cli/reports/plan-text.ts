import { wordsOf } from '../../components/resource-names.ts';
import { downtimeSeconds } from '../deploy/downtime.ts';
import { code, escaped, heading, markdownTable, preformatted } from './markdown.ts';
import type { Plan } from './plan.ts';

/** GitHub's limit for the text of a comment. */
const mostCharacters = 65_536;

/** Hidden line that identifies the comment of an environment. */
export const commentMark = (env: string) => `<!-- taxlien-gateway plan of ${env} -->`;

/** A plan as the Markdown of a comment; changes to data come first. */
export function planText(plan: Plan): string {
  for (let most = plan.changes.length; ; most = Math.floor(most / 2)) {
    const text = textWith(plan, most);
    if (text.length <= mostCharacters) return text;
  }
}

function textWith(plan: Plan, most: number): string {
  const { env, commit, changes, failure } = plan;
  const parts = [
    firstLine(plan),
    `Plan for ${code(env)} from ${code(commit)}.`,
    ...(failure === undefined ? [] : [preformatted(failure)]),
    ...(plan.stops.length === 0 ? [] : [heading(2, 'What stops'), stopsTable(plan)]),
    ...(changes.length === 0 ? [] : [heading(2, 'What changes'), changesTable(plan, most)]),
    commentMark(env),
  ];
  return `${parts.join('\n\n')}\n`;
}

function firstLine({ env, changes, stops, failure }: Plan): string {
  if (failure !== undefined) return `**${env}: this cannot be deployed.**`;
  const affected = dataFirst(changes).filter(({ operation, name }) => isStateful(name) && operation !== 'create');
  if (affected.length > 0) {
    const what = affected.map(({ operation, name }) => `${wordsOf(name).data}: ${operation}`).join('; ');
    return `**${env}: data is affected (${escaped(what)}).** The data stays in its directory; the container or volume that opens it changes.`;
  }
  if (changes.length === 0) return `${env}: nothing would change.`;
  return stops.length === 0
    ? `${env}: something changes, but no container stops.`
    : `${env}: stops and starts again: ${stops.map(({ service }) => service).join(', ')}.`;
}

const isStateful = (name: string) => wordsOf(name).data !== undefined;

const dataFirst = (changes: Plan['changes']) => [
  ...changes.filter(({ name }) => isStateful(name)),
  ...changes.filter(({ name }) => !isStateful(name)),
];

function stopsTable({ stops }: Plan): string {
  const rows = stops.map(({ service, lastDowntimeMs }) => [
    service,
    lastDowntimeMs === undefined
      ? 'a few seconds; not measured in the last deploy'
      : `${downtimeSeconds(lastDowntimeMs)} s, as in the last deploy`,
  ]);
  return markdownTable(['Service', 'Expected downtime of its port'], rows);
}

function changesTable({ changes, more }: Plan, most: number): string {
  const shown = dataFirst(changes).slice(0, most);
  const hidden = more + changes.length - shown.length;
  const rows = shown.map(({ operation, name, properties }) => [
    isStateful(name) && operation !== 'create' ? { code: `<b>${escaped(operation)}</b>` } : operation,
    isStateful(name) ? { code: `<b>${escaped(name)}</b>` } : name,
    properties.join(', '),
  ]);
  const table = markdownTable(['Operation', 'Resource', 'Properties'], rows);
  return hidden === 0 ? table : `${table}\n\nAnd ${hidden} more.`;
}
