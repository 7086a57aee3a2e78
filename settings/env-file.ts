import { defaultOf, metaOf, type Variable, variables } from './schema.ts';

export interface EnvFileOptions {
  readonly env: string;
  readonly bindIp: string;
  /** A fresh random secret for each call; in the example, a placeholder. */
  readonly makeSecret: () => string;
}

/** The text of an `.env`: required variables set, the others as comments that show their defaults. */
export function envFileText(options: EnvFileOptions): string {
  const sections = [...new Set(variables.map((variable) => metaOf(variable).section))];
  const parts = sections.map((section) => {
    const members = variables.filter((variable) => metaOf(variable).section === section);
    return [`## ${section}`, ...members.flatMap((variable) => variableLines(variable, options))].join('\n');
  });
  return `${parts.join('\n\n')}\n`;
}

function variableLines(variable: Variable, { env, bindIp, makeSecret }: EnvFileOptions): readonly string[] {
  const { doc, secret } = metaOf(variable);
  if (secret) return [`# ${doc}`, `${variable}=${makeSecret()}`];
  const fallback = defaultOf(variable, env, `<instance>`);
  return [`# ${doc}`, fallback === undefined ? `${variable}=${bindIp}` : `#${variable}=${fallback}`];
}

/** `.env.example`: every variable, its meaning, its default. */
export function envExampleText(): string {
  const head = [
    '# Settings of one instance: copy to <root>/<env>/.env (mode 0600), or let ./gatewayctl init <env> write it.',
    '# A commented line shows the default. Values: plain, or in single quotes; see docs/settings.md.',
  ].join('\n');
  return `${head}\n\n${envFileText({ env: '<env>', bindIp: '', makeSecret: () => '' })}`;
}
