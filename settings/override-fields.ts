import { isIP } from 'node:net';
import { z } from 'zod';
import { oneSpelling } from '../host/address.ts';
import type { ErrorCode } from '../host/error-codes.ts';
import { areNested } from '../host/paths.ts';
import { ownedByUs } from './override-owned.ts';
import type { ServiceName } from './services.ts';

/** What the instance's `docker-compose.override.yml` adds to one container; empty by default. */
export interface ServiceOverride {
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly extraHosts: readonly { readonly host: string; readonly ip: string }[];
  /** -1 stands for "no limit". */
  readonly ulimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[];
  /** Memory in MiB, in place of the `.env`'s. */
  readonly memoryMiB?: number;
  readonly cpuShares?: number;
  /** Host paths, mounted read-only. */
  readonly mounts: readonly { readonly hostPath: string; readonly mountedAt: string }[];
  /** More ports, TCP, on BIND_IP. */
  readonly ports: readonly { readonly internal: number; readonly external: number }[];
  /** The whole command line, in place of ours. */
  readonly command?: readonly string[];
}

export const noOverride: ServiceOverride = {
  environment: {},
  labels: {},
  extraHosts: [],
  ulimits: [],
  mounts: [],
  ports: [],
};

export interface FieldContext {
  /** Absent if the `.env` has none; any address is accepted then. */
  readonly bindIp: string | undefined;
  /** Directories of the instance that no container may mount. */
  readonly closedDirs: readonly string[];
  /** Published ports and their services; those of the file are added as they are read. */
  readonly takenPorts: Map<number, string>;
}

type Fail = (rule: string, path?: readonly (string | number)[], code?: ErrorCode) => void;

/** A field that reports all its problems; all scalars in its input are texts. */
const field = <T>(read: (given: unknown, fail: Fail) => T) =>
  z
    .unknown()
    .transform((given, context) => {
      let isGood = true;
      const value = read(given, (message, path = [], code = 'E_OVERRIDE') => {
        isGood = false;
        context.addIssue({ code: 'custom', message, path: [...path], params: { code } });
      });
      return isGood ? value : z.NEVER;
    })
    .optional();

const isText = (given: unknown): given is string => typeof given === 'string';

interface Entry {
  readonly key: string;
  readonly value: string;
  readonly at: string | number;
}

/** A map, or a list of `key=value`: Compose accepts both. */
function entriesOf(given: unknown, fail: Fail, separator = /=/): readonly Entry[] {
  if (Array.isArray(given)) {
    return given.flatMap((item, at) => {
      const end = isText(item) ? item.search(separator) : -1;
      if (end > 0) return { key: item.slice(0, end), value: item.slice(end + 1), at };
      fail('must be text of the form key=value', [at]);
      return [];
    });
  }
  if (typeof given !== 'object' || given === null) {
    fail('must be a map, or a list of key=value');
    return [];
  }
  return Object.entries(given).flatMap(([key, value]) => {
    if (isText(value)) return { key, value, at: key };
    fail('must have a value: nothing is taken from the shell', [key]);
    return [];
  });
}

/** Compose refuses a list with a repeated item; of two items with one key it uses the last. */
function recordOf(entries: readonly Entry[], fail: Fail): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { key, value, at } of entries) {
    if (Object.hasOwn(found, key)) fail('is set a second time', [at]);
    found[key] = value;
  }
  return found;
}

const listOf = (given: unknown, fail: Fail): readonly string[] => {
  if (Array.isArray(given) && given.every(isText)) return given;
  fail('must be a list of texts');
  return [];
};

const wholeOf = (given: unknown, min: number, max: number, fail: Fail, path: readonly string[] = []): number => {
  const value = isText(given) && /^(-1|0|[1-9][0-9]{0,14})$/.test(given) ? Number(given) : Number.NaN;
  if (!(value >= min && value <= max)) fail(`must be a whole number from ${min} to ${max}`, path);
  return value;
};

// A variable that ends in _FILE contains a path, not a secret.
const isSecretName = (key: string) =>
  /PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|(API|PRIVATE|ACCESS)_?KEY/i.test(key) && !/_FILE$/i.test(key);

const environment = (service: ServiceName) =>
  field((given, fail) => {
    const entries = entriesOf(given, fail);
    for (const { key, at } of entries) {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) fail('must be named with letters, digits and "_"', [at]);
      else if (ownedByUs[service].environment.includes(key)) fail('is set by this project; change it in .env', [at]);
      else if (isSecretName(key)) fail('has the name of a secret, and docker inspect shows it', [at], 'E_SECRET');
    }
    return recordOf(entries, fail);
  });

const labels = field((given, fail) => {
  const entries = entriesOf(given, fail);
  for (const { key, at } of entries) {
    if (/^(com\.docker\.compose|taxlien-gateway)(\.|$)/.test(key)) fail('is a label of this project', [at]);
  }
  return recordOf(entries, fail);
});

const extraHosts = field((given, fail) =>
  entriesOf(given, fail, Array.isArray(given) && given.some((item) => `${item}`.includes('=')) ? /=/ : /:/).flatMap(
    ({ key: host, value, at }) => {
      const ip = value.replace(/^\[(.*)\]$/, '$1');
      if (!/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(host)) fail('must name a host', [at]);
      else if (isIP(ip) === 0) fail('must have one IPv4 or IPv6 address', [at]);
      else return { host, ip };
      return [];
    },
  ),
);

const limitNames =
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');
const maxLimit = 999_999_999_999_999;

const ulimits = field((given, fail) => {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) fail('must be a map');
  return Object.entries(given ?? {}).map(([name, value]) => {
    if (!limitNames.includes(name)) fail(`must be one of ${limitNames.join(', ')}`, [name]);
    const isOne = isText(value);
    const both = isOne ? { soft: value, hard: value } : Object(value);
    const at = (part: string) => (isOne ? [name] : [name, part]);
    if (Object.keys(both).toSorted().join() !== 'hard,soft') {
      fail('must be a number, or a map of soft and hard', [name]);
      return { name, soft: 0, hard: 0 };
    }
    const soft = wholeOf(both.soft, -1, maxLimit, fail, at('soft'));
    const hard = isOne ? soft : wholeOf(both.hard, -1, maxLimit, fail, at('hard'));
    if (hard !== -1 && (soft === -1 || soft > hard)) fail('must have a soft limit within the hard one', [name]);
    return { name, soft, hard };
  });
});

const memory = field((given, fail) => {
  const [, digits, unit = 'b'] = /^([1-9][0-9]{0,14})(b|k|kb|m|mb|g|gb)?$/i.exec(isText(given) ? given : '') ?? [];
  const shift = { b: 0, k: 10, m: 20, g: 30 }[unit[0]?.toLowerCase() ?? ''] ?? 0;
  const mib = (Number(digits) * 2 ** shift) / 2 ** 20;
  if (!(Number.isInteger(mib) && mib >= 64 && mib <= 1_048_576)) fail('must be whole MiB from 64m to 1024g');
  return mib;
});

const cpuShares = field((given, fail) => wholeOf(given, 2, 262_144, fail));

const isPlainPath = (path: string) => /^(\/[^/\p{Cc},]+)+$/u.test(path) && !/\/\.\.?(\/|$)/.test(path);

const mounts = (service: ServiceName, { closedDirs }: FieldContext) =>
  field((given, fail) => {
    const seen: string[] = [];
    return listOf(given, fail).map((item, at) => {
      const [hostPath = '', mountedAt = '', mode, ...rest] = item.split(':');
      const isForm = isPlainPath(hostPath) && isPlainPath(mountedAt) && mode === 'ro' && rest.length === 0;
      if (!isForm) fail('must be /path/on/host:/path/in/container:ro, both plain and absolute', [at]);
      else if ([...ownedByUs[service].mounts, ...seen].some((owned) => areNested(mountedAt, owned))) {
        fail('overlaps another mount of this container', [at]);
      } else if (closedDirs.some((dir) => areNested(hostPath, dir))) {
        fail("exposes the instance's data, secrets or state to the container", [at]);
      }
      seen.push(mountedAt);
      return { hostPath, mountedAt };
    });
  });

const ports = (service: ServiceName, { bindIp, takenPorts }: FieldContext) =>
  field((given, fail) =>
    listOf(given, fail).map((item, at) => {
      const [, ip6, ip4 = '', external, internal] =
        /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([1-9][0-9]{0,4}):([1-9][0-9]{0,4})(?:\/tcp)?$/.exec(item) ?? [];
      const isForm = Number(external) <= 65535 && Number(internal) <= 65535;
      if (!isForm) fail(`must be "$\{BIND_IP}:port:port in the container", TCP; IPv6 as "[$\{BIND_IP}]:..."`, [at]);
      else if (bindIp !== undefined && oneSpelling(ip6 ?? ip4) !== bindIp) fail(`must be on BIND_IP, ${bindIp}`, [at]);
      const owner = takenPorts.get(Number(external));
      if (owner !== undefined) fail(`has the port of ${owner}`, [at]);
      if (isForm) takenPorts.set(Number(external), service);
      return { internal: Number(internal), external: Number(external) };
    }),
  );

const ownFlags = ['--config.file=/etc/prometheus/prometheus.yml', '--storage.tsdb.path=/prometheus'];
const fixedFlag = /^--(config\.file|storage\.tsdb\.path|web\.listen-address|web\.config\.file|web\.route-prefix)(=|$)/;

const prometheusCommand = field((given, fail) => {
  const args = listOf(given, fail);
  args.forEach((arg, at) => {
    if (!arg.startsWith('--')) fail('must be one argument, --name or --name=value', [at]);
    else if (fixedFlag.test(arg) && !ownFlags.includes(arg)) fail('must stay as this project sets it', [at]);
  });
  const missing = ownFlags.filter((flag) => !args.includes(flag));
  if (missing.length > 0) fail(`replaces the whole command line, so it must contain ${missing.join(' and ')}`);
  return args;
});

const serviceFields = (service: ServiceName, context: FieldContext) =>
  z.strictObject(
    {
      environment: environment(service),
      labels,
      extra_hosts: extraHosts,
      ulimits,
      mem_limit: memory,
      cpu_shares: cpuShares,
      volumes: mounts(service, context),
      ports: ports(service, context),
      ...(service === 'prometheus' ? { command: prometheusCommand } : {}),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'must be a map' : undefined) },
  );

type Fields = z.output<ReturnType<typeof serviceFields>> & { readonly command?: readonly string[] | undefined };

function toOverride(fields: Fields): ServiceOverride {
  return {
    environment: fields.environment ?? {},
    labels: fields.labels ?? {},
    extraHosts: fields.extra_hosts ?? [],
    ulimits: fields.ulimits ?? [],
    ...(fields.mem_limit === undefined ? {} : { memoryMiB: fields.mem_limit }),
    ...(fields.cpu_shares === undefined ? {} : { cpuShares: fields.cpu_shares }),
    mounts: fields.volumes ?? [],
    ports: fields.ports ?? [],
    ...(fields.command === undefined ? {} : { command: fields.command }),
  };
}

/** The file's schema; `gateway-go` is the gateway's other name. */
export function overrideSchema(context: FieldContext) {
  const of = (service: ServiceName) =>
    serviceFields(service, context)
      .transform((fields) => toOverride(fields as Fields))
      .optional();
  const error = (issue: { readonly code?: string | undefined }) =>
    issue.code === 'invalid_type' ? 'must be a map' : undefined;
  const services = z.strictObject(
    {
      gateway: of('gateway'),
      'gateway-go': of('gateway'),
      db: of('db'),
      redis: of('redis'),
      prometheus: of('prometheus'),
      grafana: of('grafana'),
    },
    { error },
  );
  return z.strictObject({ services: services.optional() }, { error });
}
