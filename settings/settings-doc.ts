import { envSchema, metaOf, type Variable, variables } from './schema.ts';

const head = `# Settings

Printed from \`settings/schema.ts\` by \`npm run docs\`; change it there.

A value comes from the first of these that has one:

1. \`<instance>/.env\`, mode 0600: this host's own values and all secrets.
2. \`config:\` of \`Pulumi.<env>.yaml\` in the checkout, as \`taxlien-gateway:<VARIABLE>: <value>\`: what belongs in git. A secret is refused there.
3. The default.

\`<instance>\` is \`<root>/<env>\`; \`<root>\` is \`/opt/taxlien-gateway\`, on macOS \`~/taxlien-gateway\`, or \`TAXLIEN_GATEWAY_ROOT\`.
An unknown name is an error, and so is a name that stands twice.

A line of the \`.env\` is \`NAME=value\`, and the value is plain, in single or in double quotes. A comment starts with \`#\` at the start of
the line or after a blank. \`$\` stands in single quotes only, and a backslash nowhere: Compose would expand or escape them.`;

/** The text of `docs/settings.md`: every variable, its meaning, what it takes, its default. */
export function settingsDocText(): string {
  const sections = [...new Set(variables.map((variable) => metaOf(variable).section))];
  const parts = sections.map((section) => {
    const rows = variables.filter((variable) => metaOf(variable).section === section).map(cellsOf);
    return `## ${section}\n\n${markdownTable([['Variable', 'Meaning', 'Value', 'Default'], ...rows])}`;
  });
  return `${[head, ...parts].join('\n\n')}\n`;
}

function cellsOf(variable: Variable): readonly string[] {
  const { doc, default: fallback } = metaOf(variable);
  const shownDefault = fallback?.replace('{env}', '<env>').replace('{instance}', '<instance>');
  return [
    `\`${variable}\``,
    doc,
    ruleOf(variable),
    shownDefault === undefined ? 'required' : shownDefault === '' ? 'empty' : `\`${shownDefault}\``,
  ];
}

/** Rows under a head, in aligned columns as the formatter wants them. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

/** The schema's own words, as a value that no variable takes brings them out. */
function ruleOf(variable: Variable): string {
  const issues = envSchema.shape[variable].safeParse('\u0007').error?.issues ?? [];
  return issues.map(({ message }) => message.replace(/^must (be|have) /, '')).join('; ');
}
