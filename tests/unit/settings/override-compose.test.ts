import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { run } from '../../../host/process.ts';
import { type ServiceName, services } from '../../../settings/services.ts';
import { composeProgram } from '../../helpers/compose.ts';
import { envText } from '../../helpers/instance.ts';
import { registrationOf } from '../../helpers/pulumi-mocks.ts';
import { runStack, stackPlace } from '../../helpers/stack-run.ts';
import { temporaryDir, writeFiles } from '../../helpers/temporary.ts';

let compose: string;
beforeAll(async () => {
  compose = await composeProgram();
}, 900_000);

// biome-ignore lint/suspicious/noExplicitAny: both come as the other program prints them.
type Printed = any;

const variables = { BIND_IP: '127.0.10.1', LOG_LEVEL: 'warn', DB_MEMORY_MIB: '600', GATEWAY_PORT: '8081' };

/** The containers that the program declares, in Compose's terms; `$` doubled as in Compose's files. */
async function asCompose(place: ReturnType<typeof stackPlace>): Promise<Printed> {
  const stack = await runStack({ ...place, variables });
  const one = (service: ServiceName) => {
    const { inputs } = registrationOf(stack, 'docker:index/container:Container', `taxlien-${service}`);
    return {
      image: 'any',
      ...(inputs.command === undefined ? {} : { command: inputs.command }),
      environment: Object.fromEntries(
        inputs.envs.map((entry: string) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
      ),
      labels: Object.fromEntries(inputs.labels.map(({ label, value }: Printed) => [label, value])),
      extra_hosts: (inputs.hosts ?? []).map(({ host, ip }: Printed) => `${host}=${ip}`),
      ulimits: Object.fromEntries((inputs.ulimits ?? []).map(({ name, ...rest }: Printed) => [name, rest])),
      mem_limit: `${inputs.memory * 2 ** 20}`,
      cpu_shares: inputs.cpuShares,
      ports: inputs.ports.map(({ ip, external, internal }: Printed) => `${ip}:${external}:${internal}`),
      volumes: inputs.volumes
        .filter(({ hostPath }: Printed) => hostPath !== undefined)
        .map(({ hostPath, containerPath }: Printed) => `${hostPath}:${containerPath}:ro`),
    };
  };
  const text = JSON.stringify({ services: Object.fromEntries(services.map((service) => [service, one(service)])) });
  return JSON.parse(text.replaceAll('$', () => '$$'));
}

/** What Compose prints, in the same terms. */
const normalized = (service: Printed) => ({
  image: service.image,
  ...(service.command === undefined || service.command === null ? {} : { command: service.command }),
  environment: service.environment ?? {},
  labels: Object.fromEntries(
    Object.entries(service.labels ?? {}).filter(([label]) => label !== 'com.docker.compose.project.config_files'),
  ),
  extra_hosts: (service.extra_hosts ?? []).toSorted(),
  ulimits: Object.fromEntries(
    Object.entries<Printed>(service.ulimits ?? {}).map(([name, limit]) => [
      name,
      // Compose prints no zero.
      typeof limit === 'number' ? { soft: limit, hard: limit } : { soft: 0, hard: 0, ...limit },
    ]),
  ),
  mem_limit: service.mem_limit,
  cpu_shares: service.cpu_shares,
  ports: (service.ports ?? [])
    .map((port: Printed) =>
      typeof port === 'string'
        ? port
        : `${port.host_ip}:${port.published}:${port.target}${port.protocol === 'tcp' ? '' : '?'}`,
    )
    .toSorted(),
  volumes: (service.volumes ?? [])
    .map((mount: Printed) =>
      typeof mount === 'string' ? mount : `${mount.source}:${mount.target}${mount.read_only === true ? ':ro' : ''}`,
    )
    .toSorted(),
});

const overrides = {
  maps: `services:
  gateway:
    environment: { HTTP_PROXY: "http://\${BIND_IP}:3128", PRICE: 5$$, COUNT: 3, IS_ON: true, YES: yes, EMPTY: "", LEVEL: "\${LOG_LEVEL}" }
    labels: { team: data, tier: 1, quoted: "0x10", price: "a$$b" }
    extra_hosts: { county.example: 10.0.0.7, v6.example: "::1" }
    ulimits: { nofile: 65536, nproc: { soft: 100, hard: "200" }, memlock: -1 }
    cpu_shares: "2048"
    mem_limit: 1g
    volumes: ["/etc/ssl/certs:/etc/ssl/certs:ro", "/srv/with space:/mnt/x:ro"]
    ports: ["\${BIND_IP}:9081:8081", "127.0.10.1:9082:9999/tcp"]
  db: { mem_limit: "\${DB_MEMORY_MIB}m" }
  prometheus:
    command:
      - --config.file=/etc/prometheus/prometheus.yml
      - --storage.tsdb.path=/prometheus
      - --log.level=\${LOG_LEVEL}
`,
  lists: `services:
  grafana:
    environment: ["GF_DEFAULT_APP_MODE=a=b", GF_X=, "GF_PRICE=$$5"]
    labels: [team=data, "note=with = sign"]
    extra_hosts: ["county.example:10.0.0.7", "two.example:10.0.0.8", "two.example:10.0.0.9"]
    mem_limit: 536870912
    cpu_shares: 2
  redis:
    extra_hosts: ["a.example=10.0.0.7", "v6.example=[::1]"]
    ulimits: { core: 0 }
`,
  nothing: 'services: { db: {} }\n',
};

test.each(Object.entries(overrides))('%s: merged as Compose merges them', async (_, override) => {
  const place = stackPlace();
  const base = await asCompose(place);
  const dir = temporaryDir();
  writeFiles(dir, { 'base.json': JSON.stringify(base), 'override.yml': override, '.env': envText(variables) });
  const argv = ['--project-name', 'x', '--env-file', '.env', '--file', 'base.json', '--file', 'override.yml'];
  const { stdout } = await run([compose, ...argv, 'config', '--format', 'json'], {
    cwd: dir,
    env: { PATH: process.env.PATH, HOME: dir, DOCKER_CONFIG: join(dir, 'none') },
  });
  const theirs = JSON.parse(stdout).services;

  writeFiles(place.root, { 'dev/docker-compose.override.yml': override });
  const ours = await asCompose(place);
  for (const service of services)
    expect(normalized(ours.services[service]), service).toEqual(normalized(theirs[service]));
});
