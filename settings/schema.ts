import { isIP } from 'node:net';
import { z } from 'zod';
import { oneSpelling } from '../host/address.ts';
import type { ErrorCode } from '../host/error-codes.ts';

/** What the schema has about a variable besides its type; `.env.example` and the docs are generated from it. */
export interface VariableMeta {
  readonly section: string;
  readonly doc: string;
  /** Text form of the default; `{env}` and `{instance}` stand for the environment and its directory. Absent: required. */
  readonly default?: string;
  /** Filled by `init` with a random value, kept out of every message, and refused in `Pulumi.<env>.yaml`. */
  readonly secret?: true;
  /** Code of the finding for a bad value; default `E_SETTING`. */
  readonly code?: ErrorCode;
}

const variableMeta = z.registry<VariableMeta>();

const text = (pattern: RegExp, rule: string) => z.string().regex(pattern, rule);

const whole = (min: number, max: number, unit = '') => {
  const rule = `must be a whole number from ${min} to ${max}${unit}`;
  return z
    .string()
    .regex(/^(0|[1-9][0-9]{0,8})$/, rule)
    .transform(Number)
    .refine((number) => number >= min && number <= max, rule);
};

const flag = () => z.enum(['true', 'false'], 'must be true or false').transform((value) => value === 'true');

// What PostgreSQL accepts without quotes.
const identifier = () =>
  text(/^[a-z_][a-z0-9_]{0,62}$/, 'must be 1 to 63 lower-case letters, digits or "_", the first not a digit');

const port = (doc: string, fallback: number) =>
  whole(1, 65535).register(variableMeta, { section: 'Ports on BIND_IP', doc, default: `${fallback}`, code: 'E_PORT' });

const memory = (service: string, fallback: number, advice = '') =>
  whole(64, 1_048_576, ' (MiB)').register(variableMeta, {
    section: 'Limits',
    doc: `Memory of ${service} in MiB; the container gets no swap beyond it.${advice}`,
    default: `${fallback}`,
  });

/** Variables that are secrets. */
export const secretVariables = [
  'POSTGRES_PASSWORD',
  'REDIS_PASSWORD',
  'WORKER_TOKEN',
  'GRAFANA_ADMIN_PASSWORD',
] as const;
export type SecretVariable = (typeof secretVariables)[number];

const secret = (doc: string) =>
  z
    .string()
    .min(16, 'must have 16 to 200 characters')
    .max(200, 'must have 16 to 200 characters')
    .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without blanks')
    .register(variableMeta, { section: 'Secrets', doc, secret: true, code: 'E_SECRET' });

/** The rule that an address breaks, or `undefined` if ports may be bound to it. */
export function bindIpProblem(address: string): string | undefined {
  if (address === '') return 'must be the address that this instance owns';
  const family = isIP(address);
  if (family === 0) return 'must be an IPv4 or IPv6 address';
  if (family === 4) {
    const first = Number(address.split('.')[0]);
    if (first === 0) return 'must be one address, not all of the host';
    if (first >= 224) return 'must be a unicast address';
    return undefined;
  }
  if (address.includes('%')) return 'must not have a zone: Docker accepts none';
  const compressed = oneSpelling(address);
  if (compressed === '::') return 'must be one address, not all of the host';
  if (/^ff[0-9a-f]{2}:/.test(compressed)) return 'must be a unicast address';
  if (compressed.startsWith('::ffff:')) return 'must be plain IPv4 or IPv6, not one inside the other';
  if (/^fe[89ab]/.test(compressed)) return 'must not be link-local: it is not unique on this host';
  return undefined;
}

const bindIp = z
  .string()
  .superRefine((address, context) => {
    const problem = bindIpProblem(address);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  })
  .transform(oneSpelling);

const absolutePath = text(/^\/(?!\/*$)[^\p{Cc}:,]*$/u, 'must be an absolute path other than "/", without ":" or ","');

/** Every variable of an instance. The one source of `.env.example`, of the docs and of the messages. */
export const envSchema = z.strictObject({
  BIND_IP: bindIp.register(variableMeta, {
    section: 'Identity',
    doc: 'Address that every port of this environment is bound to, IPv4 or IPv6. Each environment needs its own.',
    code: 'E_BIND_IP',
  }),
  COMPOSE_PROJECT_NAME: text(
    /^[a-z0-9][a-z0-9_-]{0,39}$/,
    'must be 1 to 40 lower-case letters, digits, "-" or "_", the first a letter or digit',
  ).register(variableMeta, {
    section: 'Identity',
    doc: 'Prefix of all containers, networks, volumes and images.',
    default: 'taxlien-gateway-{env}',
  }),
  GATEWAY_PORT: port('Port of the Worker API.', 8081),
  DB_PORT: port('Port of PostgreSQL.', 5432),
  REDIS_PORT: port('Port of Redis.', 6379),
  PROMETHEUS_PORT: port('Port of Prometheus.', 9090),
  GRAFANA_PORT: port('Port of Grafana.', 3000),
  DB_PUBLISH: flag().register(variableMeta, {
    section: 'Ports on BIND_IP',
    doc: 'Whether PostgreSQL is reachable from outside the stack.',
    default: 'true',
  }),
  REDIS_PUBLISH: flag().register(variableMeta, {
    section: 'Ports on BIND_IP',
    doc: 'Whether Redis is reachable from outside the stack.',
    default: 'true',
  }),
  DATA_DIR: absolutePath.register(variableMeta, {
    section: 'Data',
    doc: 'Host directory that holds postgres/, redis/, raw/, prometheus/ and grafana/.',
    default: '{instance}/data',
  }),
  POSTGRES_USER: identifier().register(variableMeta, {
    section: 'Database',
    doc: 'Role that owns the database; created when the data directory is first used.',
    default: 'gateway',
  }),
  POSTGRES_DB: identifier().register(variableMeta, {
    section: 'Database',
    doc: 'Name of the database; created when the data directory is first used.',
    default: 'gateway',
  }),
  GRAFANA_ADMIN_USER: text(/^[A-Za-z0-9_.@-]{1,64}$/, 'must be 1 to 64 letters, digits, "_", ".", "@" or "-"').register(
    variableMeta,
    {
      section: 'Monitoring',
      doc: "Name of Grafana's first administrator.",
      default: 'admin',
    },
  ),
  PROMETHEUS_RETENTION_DAYS: whole(1, 3650, ' (days)').register(variableMeta, {
    section: 'Monitoring',
    doc: 'For how many days Prometheus keeps its samples.',
    default: '15',
  }),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error'], 'must be debug, info, warn or error').register(variableMeta, {
    section: 'Gateway',
    doc: 'What the gateway logs: debug, info, warn or error.',
    default: 'info',
  }),
  RATE_LIMIT_PER_MINUTE: whole(1, 1_000_000).register(variableMeta, {
    section: 'Gateway',
    doc: 'Requests that one worker address may make in a minute.',
    default: '600',
  }),
  LEASE_SECONDS: whole(1, 86_400, ' (seconds)').register(variableMeta, {
    section: 'Gateway',
    doc: 'Seconds until the lease of a claimed task expires.',
    default: '60',
  }),
  METRICS_PUBLIC: flag().register(variableMeta, {
    section: 'Gateway',
    doc: 'Whether /metrics answers on GATEWAY_PORT too, without a token; Prometheus reads it inside the network.',
    default: 'false',
  }),
  GO_PROXY: text(/^[\x21-\x7e]*$/, 'must be a GOPROXY list without blanks').register(variableMeta, {
    section: 'Gateway',
    doc: "Proxy for Go modules while the gateway's image is built; empty: Go's own default.",
    default: '',
  }),
  ALLOW_DIRTY: flag().register(variableMeta, {
    section: 'Gateway',
    doc: 'Whether stage and prod may be deployed from a checkout with uncommitted changes; dev always may.',
    default: 'false',
  }),
  GATEWAY_MEMORY_MIB: memory('gateway', 256),
  DB_MEMORY_MIB: memory('db', 512),
  REDIS_MEMORY_MIB: memory('redis', 256),
  PROMETHEUS_MEMORY_MIB: memory('prometheus', 512),
  GRAFANA_MEMORY_MIB: memory('grafana', 512, ' Grafana 13 needs more.'),
  POSTGRES_PASSWORD: secret(
    'Password of POSTGRES_USER. Change it with ./gatewayctl rotate: a change here alone does not reach the database.',
  ),
  REDIS_PASSWORD: secret('Password that Redis requires.'),
  WORKER_TOKEN: secret('Token that workers send as "Authorization: Bearer <token>".'),
  GRAFANA_ADMIN_PASSWORD: secret(
    'Password of GRAFANA_ADMIN_USER, used when Grafana first starts. Change it with ./gatewayctl rotate.',
  ),
});

export type Variable = keyof typeof envSchema.shape;
export type EnvValues = z.output<typeof envSchema>;

export const variables = Object.keys(envSchema.shape) as readonly Variable[];

/** Metadata of a variable. */
export function metaOf(variable: Variable): VariableMeta {
  const meta = variableMeta.get(envSchema.shape[variable]);
  if (meta === undefined) throw new TypeError(`settings/schema.ts: ${variable} is not registered`);
  return meta;
}

/** The default with its placeholders filled in; `undefined` if the variable is required. */
export function defaultOf(variable: Variable, env: string, instanceDir: string): string | undefined {
  return metaOf(variable).default?.replaceAll('{env}', env).replaceAll('{instance}', instanceDir);
}
