import { type ErrorCode, errorCodes } from '../host/error-codes.ts';
import { envSchema, metaOf, type Variable, variables } from './schema.ts';

const settingsHead = `# Settings

Generated from \`settings/schema.ts\` by \`npm run docs\`; change it there.

A value comes from the first of these that has one:

1. \`<instance>/.env\`, mode 0600: this host's own values and all secrets.
2. \`config:\` of \`Pulumi.<env>.yaml\` in the checkout, as \`taxlien-gateway:<VARIABLE>: <value>\`: what belongs in git. A secret is refused there.
3. The default.

\`<instance>\` is \`<root>/<env>\`; \`<root>\` is \`/opt/taxlien-gateway\`, on macOS \`~/taxlien-gateway\`, or \`TAXLIEN_GATEWAY_ROOT\`.
An unknown name is an error, and so is a name that is set twice.

A line of the \`.env\` is \`NAME=value\`, and the value is plain, in single or in double quotes. A comment starts with \`#\` at the start of
the line or after a blank. \`$\` is allowed in single quotes only, and a backslash nowhere: Compose would expand or escape them.`;

/** The text of `docs/settings.md`: every variable, its meaning, its rule, its default. */
export function settingsDocText(): string {
  const sections = [...new Set(variables.map((variable) => metaOf(variable).section))];
  const parts = sections.map((section) => {
    const rows = variables.filter((variable) => metaOf(variable).section === section).map(cellsOf);
    return `## ${section}\n\n${markdownTable([['Variable', 'Meaning', 'Value', 'Default'], ...rows])}`;
  });
  return `${[settingsHead, ...parts].join('\n\n')}\n`;
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

const errorsHead = `# Error codes

Generated from \`host/error-codes.ts\` by \`npm run docs\`; change it there.

Each error and each warning begins with its code: in the output of \`gatewayctl\` and of plain \`pulumi up\`, in the job summary and in
\`logs/last-deploy.json\`. After it come the place, the rule, what was found, and the fix:

\`\`\`
E_BIND_IP  dev/.env:3 BIND_IP: must be one address, not all of the host (got 0.0.0.0). Set it in ...
\`\`\`

The message has the details; the tables say what a code means in general. \`./gatewayctl doctor <env>\` checks for most of them and
changes nothing; its \`--json\` has the code as \`code\`.`;

/** The text of `docs/errors.md`: every code, its meaning, its fix. */
export function errorsDocText(): string {
  const codes = Object.keys(errorCodes) as ErrorCode[];
  const tableOf = (prefix: string) => {
    const rows = codes
      .filter((code) => code.startsWith(prefix))
      .map((code) => [`\`${code}\``, errorCodes[code].meaning, errorCodes[code].fix]);
    return markdownTable([['Code', 'Meaning', 'Fix'], ...rows]);
  };
  const parts = [errorsHead, '## Errors', tableOf('E_'), '## Warnings', tableOf('W_')];
  return `${parts.join('\n\n')}\n`;
}

/** Rows under a head, in aligned columns as the formatter requires. */
function markdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

/** The schema's rule, from its error for a value that no variable accepts. */
function ruleOf(variable: Variable): string {
  const issues = envSchema.shape[variable].safeParse('\u0007').error?.issues ?? [];
  return issues.map(({ message }) => message.replace(/^must (be|have) /, '')).join('; ');
}
