import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Scalar } from 'yaml';
import type { ErrorCode } from '../host/error-codes.ts';
import { errorFinding, type Finding } from '../host/errors.ts';
import type { Instance } from './instance.ts';
import { type FieldContext, noOverride, overrideSchema, type ServiceOverride } from './override-fields.ts';
import { type ServiceName, services } from './services.ts';

export type Overrides = Readonly<Record<ServiceName, ServiceOverride>>;

export interface OverrideContext {
  readonly instance: Instance;
  readonly dataDir: string;
  readonly bindIp: string | undefined;
  /** Published port of each service; empty if the `.env` is invalid. */
  readonly ports: Readonly<Record<string, number>>;
  /** Value of `${NAME}`, or why it has none. */
  readonly valueOf: (
    name: string,
  ) => { readonly text: string } | { readonly problem: string; readonly code?: ErrorCode };
  readonly secrets: readonly string[];
}

type Path = readonly (string | number)[];

/** Reads the subset of Compose's grammar that docs/override.md lists; anything else is a finding with its line. */
export function readOverride(
  text: string,
  context: OverrideContext,
): { overrides: Overrides; findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, merge: false });
  const label = `${context.instance.env}/docker-compose.override.yml`;
  const lineOf = (node: unknown) => {
    const offset = (node as Node | undefined)?.range?.[0];
    return offset === undefined ? 1 : lines.linePos(offset).line;
  };
  for (const { message, linePos } of [...document.errors, ...document.warnings]) {
    const got = message.split('\n')[0]?.replace(/ at line \d+, column \d+:$/, '');
    const rule = `must be YAML that Compose and this project read alike (got ${got})`;
    findings.push(errorFinding('E_OVERRIDE', `${label}:${linePos?.[0].line ?? 1}: ${rule}`, 'Correct it.'));
  }
  // A secret may also be in a key, or in a message of the YAML parser.
  const hidden = () =>
    findings.map((finding) => ({
      ...finding,
      message: context.secrets.reduce((text, secret) => text.replaceAll(secret, '(set)'), finding.message),
    }));
  if (findings.length > 0 || document.contents === null) return { overrides: byService({}), findings: hidden() };

  const nodes = new Map<string, unknown>();
  const refused = new Set<string>();
  const fail = (path: Path, rule: string, got: unknown, code: ErrorCode = 'E_OVERRIDE') => {
    const key = path.join('.');
    // One message per value: further ones about a refused value are noise.
    if (refused.has(key)) return;
    refused.add(key);
    const where = `${label}:${lineOf(nodes.get(key))} ${key}`.trim();
    const isHidden =
      code === 'E_SECRET' || context.secrets.some((secret) => JSON.stringify(got ?? '').includes(secret));
    const fix =
      code === 'E_SECRET' ? 'Secrets go into .env only.' : 'Correct or delete it; docs/override.md lists all.';
    findings.push(errorFinding(code, `${where}: ${rule} (got ${isHidden ? '(set)' : shown(got)})`, fix));
  };

  const plain = toPlain(document.contents, [], { nodes, fail, context });
  const { dataDir, instance } = context;
  const fields: FieldContext = {
    bindIp: context.bindIp,
    closedDirs: [dataDir, instance.secretsDir, instance.stateDir, instance.backupsDir, instance.envFile],
    takenPorts: new Map(Object.entries(context.ports).map(([service, port]) => [port, service])),
  };
  const result = overrideSchema(fields).safeParse(plain);
  for (const issue of result.error?.issues ?? []) {
    const path = issue.path as Path;
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        const isService = path.join() === 'services';
        const rule = isService ? 'is not a service of this project' : 'is not supported';
        fail([...path, key], rule, at(plain, [...path, key]));
      }
    } else {
      fail(path, issue.message, at(plain, path), issue.code === 'custom' ? issue.params?.code : undefined);
    }
  }
  const isGiven = (name: string) => at(plain, ['services', name]) !== undefined;
  if (isGiven('gateway') && isGiven('gateway-go')) {
    fail(['services', 'gateway-go'], 'is the gateway a second time', 'both names');
  }
  const given = result.data?.services ?? {};
  const { 'gateway-go': other, ...rest } = given;
  return { overrides: byService(other === undefined ? rest : { ...rest, gateway: other }), findings: hidden() };
}

const byService = (given: { readonly [S in ServiceName]?: ServiceOverride | undefined }): Overrides =>
  Object.fromEntries(services.map((service) => [service, given[service] ?? noOverride])) as Record<
    ServiceName,
    ServiceOverride
  >;

interface Walk {
  readonly nodes: Map<string, unknown>;
  readonly fail: (path: Path, rule: string, got: unknown, code?: ErrorCode) => void;
  readonly context: OverrideContext;
}

/** Maps, lists and texts, with variables filled in; what YAML parsers read differently is refused. */
function toPlain(node: unknown, path: Path, walk: Walk): unknown {
  const key = path.join('.');
  if (!walk.nodes.has(key)) walk.nodes.set(key, node);
  if (isAlias(node)) return walk.fail(path, 'must not be an alias', `*${node.source}`);
  const { anchor, tag } = (node ?? {}) as { anchor?: string; tag?: string };
  if (anchor !== undefined) walk.fail(path, 'must not have an anchor', `&${anchor}`);
  if (tag !== undefined) walk.fail(path, 'must not have a tag', tag);
  if (isSeq(node)) return node.items.map((item, index) => toPlain(item, [...path, index], walk));
  if (isMap(node)) {
    const entries = node.items.map((pair) => {
      const name = isScalar(pair.key) ? `${pair.key.source ?? pair.key.value}` : '';
      const place = [...path, name];
      walk.nodes.set(place.join('.'), pair.key ?? node);
      if (name === '' || name === '<<' || (isScalar(pair.key) && (pair.key.anchor ?? pair.key.tag) !== undefined)) {
        walk.fail(place, 'must be a plain name', name);
      }
      return [name, toPlain(pair.value, place, walk)] as const;
    });
    return Object.fromEntries(entries);
  }
  if (isScalar(node)) return textOf(node, path, walk);
  return null;
}

// Numbers and dates that YAML 1.1 and 1.2 read differently, or that Compose prints in another form.
const ambiguous =
  /^([-+]?\.?[0-9][0-9_]*(\.[0-9_]*)?(e[-+]?[0-9]+)?|0[xob][0-9a-f_]+|[-+]?\.(inf|nan)|\d{4}-\d\d?-\d\d?([t ].*)?)$/i;

function textOf(node: Scalar, path: Path, { fail, context }: Walk): unknown {
  const { value, source = '' } = node;
  if (value === null || value === undefined) return null;
  if (node.type === 'PLAIN' && ambiguous.test(source) && !/^(0|-?[1-9][0-9]{0,14})$/.test(source)) {
    fail(path, 'is read differently by different YAML parsers unless it is quoted', source);
  }
  const text = typeof value === 'string' ? value : `${value}`;
  if (context.secrets.some((secret) => text.includes(secret))) fail(path, 'holds a secret', text, 'E_SECRET');
  if (typeof value !== 'string') return text;
  const filled = text.replaceAll(
    /\$(\$|\{([A-Za-z_][A-Za-z0-9_]*)\}|)/g,
    (_, form: string, name: string | undefined) => {
      if (form === '$') return '$';
      const found =
        name === undefined ? { problem: `has a "$" that is neither $\{VARIABLE} nor $$` } : context.valueOf(name);
      if ('text' in found) return found.text;
      fail(path, found.problem, text, found.code);
      return '';
    },
  );
  if (context.secrets.some((secret) => filled.includes(secret))) fail(path, 'holds a secret', text, 'E_SECRET');
  return filled;
}

const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((found, key) => (found as Record<string | number, unknown> | null | undefined)?.[key], value);

function shown(got: unknown): string {
  if (got === undefined || got === null) return 'nothing';
  const text = typeof got === 'string' && got !== '' ? got : JSON.stringify(got);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text.replaceAll('\n', '\\n');
}
