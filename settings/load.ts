import { join } from 'node:path';
import { parse, type YAMLParseError } from 'yaml';
import type { ErrorCode } from '../host/error-codes.ts';
import { errorFinding, type Finding, findingText, UserError } from '../host/errors.ts';
import { readIfThere } from '../host/whole-file.ts';
import { parseDotenv } from './dotenv.ts';
import { type Instance, noInstance } from './instance.ts';
import { type Overrides, readOverride } from './override.ts';
import {
  defaultOf,
  type EnvValues,
  envSchema,
  metaOf,
  type SecretVariable,
  type Variable,
  variables,
} from './schema.ts';
import type { Environment, ServiceName } from './services.ts';
import { isVariable, nearestVariable } from './variable-names.ts';

/** Settings of an instance; frozen, and the only source for components and checks. */
export interface Settings {
  readonly env: Environment;
  readonly instance: Instance;
  /** Absolute path of the checkout that this program runs from. */
  readonly checkoutDir: string;
  /** COMPOSE_PROJECT_NAME: prefix of all names. */
  readonly project: string;
  /** Address that each port is bound to, IPv4 or IPv6; never unspecified. */
  readonly bindIp: string;
  /** Published port of each service on `bindIp`. */
  readonly ports: Readonly<Record<ServiceName, number>>;
  /** Whether a service's port is published at all. */
  readonly isPublished: Readonly<Record<ServiceName, boolean>>;
  readonly memoryMiB: Readonly<Record<ServiceName, number>>;
  /** Directory of the bind volumes. */
  readonly dataDir: string;
  readonly db: { readonly user: string; readonly name: string };
  readonly gateway: {
    readonly logLevel: string;
    readonly rateLimitPerMinute: number;
    readonly leaseSeconds: number;
    /** Whether `/metrics` answers on the published port too. */
    readonly areMetricsPublic: boolean;
    /** GOPROXY of the image build; empty for Go's default. */
    readonly goProxy: string;
  };
  readonly prometheusRetentionDays: number;
  readonly grafanaAdminUser: string;
  readonly isDirtyAllowed: boolean;
  /** What the instance's `docker-compose.override.yml` adds to each container. */
  readonly overrides: Overrides;
  readonly secrets: Secrets;
}

/** The value of each secret. */
export type Secrets = Readonly<Record<SecretVariable, string>>;

/** All problems of the settings at once: one line each, which begins with its own code. */
export class SettingsError extends UserError {
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    super(findings[0]?.code ?? 'E_SETTING', findings.map(findingText).join('\n'), '');
    this.name = 'SettingsError';
    this.findings = findings;
  }

  override get text(): string {
    return this.message;
  }
}

interface Raw {
  readonly value: string;
  /** File and line, as a person would look it up: `prod/.env:7`. */
  readonly where: string;
}

/** The problems found so far. */
class Problems {
  readonly findings: Finding[] = [];
  /** Variables that a finding is about, or most likely means. */
  readonly variables = new Set<string>();

  add(code: ErrorCode, message: string, fix: string, variable?: Variable): void {
    this.findings.push(errorFinding(code, message, fix));
    if (variable !== undefined) this.variables.add(variable);
  }
}

/** Reads the settings of an instance: `.env` over the `config:` map of the checkout's stack file over defaults. */
export function loadSettings(instance: Instance, checkoutDir: string): Settings {
  const problems = new Problems();
  const raw = { ...readStackFile(instance.env, checkoutDir, problems), ...readEnvFile(instance, problems) };
  const input = inputOf(raw, instance);
  const values = parseValues(raw, input, instance, problems);
  const overrides = readOverrideFile(instance, input, values, problems);
  if (values === undefined || problems.findings.length > 0) throw new SettingsError(problems.findings);
  return freeze(toSettings(values, overrides, instance, checkoutDir));
}

/** Text of each variable, given or default. */
type Input = Readonly<Partial<Record<Variable, string>>>;

function inputOf(raw: Readonly<Record<string, Raw>>, { env, dir }: Instance): Input {
  const textOf = (name: Variable) => raw[name]?.value ?? defaultOf(name, env, dir);
  return Object.fromEntries(variables.map((name) => [name, textOf(name)]).filter(([, value]) => value !== undefined));
}

function readOverrideFile(
  instance: Instance,
  input: Input,
  values: EnvValues | undefined,
  problems: Problems,
): Overrides {
  const found = readOverride(readText(instance.overrideFile) ?? '', {
    instance,
    dataDir: input.DATA_DIR ?? instance.defaultDataDir,
    bindIp: values?.BIND_IP,
    ports: values === undefined ? {} : portsOf(values),
    // A shorter one is refused anyway, and may occur in any text by chance.
    secrets: variables
      .flatMap((name) => (metaOf(name).secret ? (input[name] ?? []) : []))
      .filter(({ length }) => length >= 8),
    valueOf: (name) => {
      if (!isVariable(name)) {
        const nearest = nearestVariable(name);
        const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
        return { problem: `names ${name}, which is not a variable of this project${hint}` };
      }
      if (metaOf(name).secret) return { problem: `names the secret ${name}`, code: 'E_SECRET' };
      return { text: name === 'BIND_IP' ? (values?.BIND_IP ?? input.BIND_IP ?? '') : (input[name] ?? '') };
    },
  });
  problems.findings.push(...found.findings);
  return found.overrides;
}

function readEnvFile(instance: Instance, problems: Problems): Record<string, Raw> {
  const label = `${instance.env}/.env`;
  const text = readText(instance.envFile);
  if (text === undefined) throw noInstance(instance);
  const { entries, findings, refusedKeys } = parseDotenv(text, label);
  problems.findings.push(...findings);
  for (const key of refusedKeys) problems.variables.add(key);
  return Object.fromEntries(
    entries.map(({ key, value, line }) => [key, { value, where: `${label}:${line} ${key}` }] as const),
  );
}

function readStackFile(env: Environment, checkoutDir: string, problems: Problems): Record<string, Raw> {
  const label = `Pulumi.${env}.yaml`;
  const text = readText(join(checkoutDir, label));
  if (text === undefined) return {};
  let config: unknown;
  try {
    config = parse(text)?.config ?? {};
  } catch (error) {
    const { message, linePos } = error as YAMLParseError;
    const where = linePos === undefined ? label : `${label}:${linePos[0].line}`;
    const got = message.split('\n')[0]?.replace(/ at line \d+, column \d+:$/, '');
    problems.add('E_STACK_FILE', `${where}: must be YAML (got ${got})`, 'Correct it.');
    return {};
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    problems.add('E_STACK_FILE', `${label} config: must be a map`, 'Write it as "config: {}".');
    return {};
  }
  const found: Record<string, Raw> = {};
  for (const [name, value] of Object.entries(config)) {
    const key = name.replace(/^taxlien-gateway:/, '');
    const where = `${label} config.${name}`;
    if (key === name || (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')) {
      const rule = 'must be "taxlien-gateway:<VARIABLE>: <text, number or true/false>"';
      problems.add('E_STACK_FILE', `${where}: ${rule}`, 'Correct it.');
    } else if (isVariable(key) && metaOf(key).secret) {
      problems.add('E_SECRET', `${where}: a secret must not be in git`, 'Move it to the .env.');
    } else {
      found[key] = { value: `${value}`, where };
    }
  }
  return found;
}

function parseValues(
  raw: Readonly<Record<string, Raw>>,
  input: Input,
  instance: Instance,
  problems: Problems,
): EnvValues | undefined {
  for (const [key, { where }] of Object.entries(raw)) {
    if (isVariable(key)) continue;
    const meant = nearestVariable(key);
    const hint = meant === undefined ? 'Delete the line; .env.example lists all.' : `Did you mean ${meant}?`;
    problems.add('E_UNKNOWN_KEY', `${where}: is not a variable of this project`, hint, meant);
  }
  const result = envSchema.safeParse(input);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const variable = issue.path[0] as Variable;
    const isMissing = input[variable] === undefined;
    // Its line exists, but is refused or misspelt: one message is enough.
    if (isMissing && problems.variables.has(variable)) continue;
    const where = raw[variable]?.where ?? `${instance.env}/.env ${variable}`;
    const rule = isMissing ? 'is missing' : issue.message;
    const { code = 'E_SETTING' } = metaOf(variable);
    const message = `${where}: ${rule} (got ${shown(variable, input[variable])})`;
    problems.add(code, message, fixFor(variable, instance), variable);
  }
  return undefined;
}

function shown(variable: Variable, value: string | undefined): string {
  if (value === undefined) return 'nothing';
  if (metaOf(variable).secret) return value === '' ? '(empty)' : '(set)';
  return value === '' ? '""' : value;
}

function fixFor(variable: Variable, instance: Instance): string {
  const fallback = defaultOf(variable, instance.env, instance.dir);
  const place = `in ${instance.envFile}`;
  if (variable === 'BIND_IP') {
    return `Set it ${place} to one address of this host that no other project uses, e.g. BIND_IP=10.0.0.4.`;
  }
  if (metaOf(variable).secret) return `Set it ${place}, e.g. to what "openssl rand -hex 32" prints.`;
  return `Set it ${place}, e.g. ${variable}=${fallback ?? '<value>'}.`;
}

const portsOf = (values: EnvValues): Settings['ports'] => ({
  gateway: values.GATEWAY_PORT,
  db: values.DB_PORT,
  redis: values.REDIS_PORT,
  prometheus: values.PROMETHEUS_PORT,
  grafana: values.GRAFANA_PORT,
});

function toSettings(values: EnvValues, overrides: Overrides, instance: Instance, checkoutDir: string): Settings {
  return {
    env: instance.env,
    instance,
    checkoutDir,
    project: values.COMPOSE_PROJECT_NAME,
    bindIp: values.BIND_IP,
    ports: portsOf(values),
    isPublished: {
      gateway: true,
      db: values.DB_PUBLISH,
      redis: values.REDIS_PUBLISH,
      prometheus: true,
      grafana: true,
    },
    memoryMiB: {
      gateway: overrides.gateway.memoryMiB ?? values.GATEWAY_MEMORY_MIB,
      db: overrides.db.memoryMiB ?? values.DB_MEMORY_MIB,
      redis: overrides.redis.memoryMiB ?? values.REDIS_MEMORY_MIB,
      prometheus: overrides.prometheus.memoryMiB ?? values.PROMETHEUS_MEMORY_MIB,
      grafana: overrides.grafana.memoryMiB ?? values.GRAFANA_MEMORY_MIB,
    },
    dataDir: values.DATA_DIR,
    db: { user: values.POSTGRES_USER, name: values.POSTGRES_DB },
    gateway: {
      logLevel: values.LOG_LEVEL,
      rateLimitPerMinute: values.RATE_LIMIT_PER_MINUTE,
      leaseSeconds: values.LEASE_SECONDS,
      areMetricsPublic: values.METRICS_PUBLIC,
      goProxy: values.GO_PROXY,
    },
    prometheusRetentionDays: values.PROMETHEUS_RETENTION_DAYS,
    grafanaAdminUser: values.GRAFANA_ADMIN_USER,
    overrides,
    isDirtyAllowed: instance.env === 'dev' || values.ALLOW_DIRTY,
    secrets: {
      POSTGRES_PASSWORD: values.POSTGRES_PASSWORD,
      REDIS_PASSWORD: values.REDIS_PASSWORD,
      WORKER_TOKEN: values.WORKER_TOKEN,
      GRAFANA_ADMIN_PASSWORD: values.GRAFANA_ADMIN_PASSWORD,
    },
  };
}

function readText(path: string): string | undefined {
  try {
    return readIfThere(path);
  } catch (error) {
    throw new UserError('E_UNREADABLE', `${path}: cannot be read (${(error as Error).message})`, `Run ls -l ${path}.`, {
      cause: error,
    });
  }
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freeze(part);
  return Object.freeze(value);
}
