import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { extract } from 'tar-stream';
import { expect, test } from 'vitest';
import { makeHostPaths, ownedPathsArchive, unpackArgs } from '../../../../components/steps/host-paths.ts';
import { hostPathsId } from '../../../../instance/host-paths.ts';
import { secretGenerations, secretServices } from '../../../../instance/secret-files.ts';
import { FakeDocker } from '../../../helpers/fake-docker.ts';
import { testSecrets, testSettings } from '../../../helpers/instance.ts';
import { writeSecretFiles } from '../../../helpers/secret-files.ts';

async function entriesOf(archive: Buffer): Promise<readonly string[]> {
  const entries: string[] = [];
  const reader = extract();
  Readable.from([archive]).pipe(reader);
  for await (const entry of reader) {
    const { type, name, uid, gid, mode } = entry.header;
    const content = JSON.stringify(await text(entry));
    entries.push(`${type} ${name} ${uid}:${gid} ${mode?.toString(8)} ${content}`);
  }
  return entries;
}

test('the archive holds every directory and secret file with its owner and mode', async () => {
  const entries = await entriesOf(await ownedPathsArchive(testSettings()));
  expect(`\n${entries.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    directory data/postgres 70:70 700 ""
    directory data/redis 999:1000 700 ""
    directory data/raw 65532:65532 700 ""
    directory data/prometheus 65534:65534 700 ""
    directory data/grafana 472:0 700 ""
    directory data/redis/.keep 999:1000 700 ""
    directory data/raw/.keep 65532:65532 700 ""
    directory data/prometheus/.keep 65534:65534 700 ""
    directory data/grafana/.keep 472:0 700 ""
    directory secrets/gateway 65532:65532 500 ""
    directory secrets/db 70:70 500 ""
    directory secrets/redis 999:1000 500 ""
    directory secrets/grafana 472:0 500 ""
    file secrets/gateway/db_password 65532:65532 400 "postgres-secret-7f3a91"
    file secrets/gateway/redis_password 65532:65532 400 "redis-secret-b2c84d"
    file secrets/gateway/worker_token 65532:65532 400 "worker-secret-e5d06f"
    file secrets/db/postgres_password 70:70 400 "postgres-secret-7f3a91"
    file secrets/redis/redis.conf 999:1000 400 "requirepass \\"redis-secret-b2c84d\\"\\n"
    file secrets/redis/redis_password 999:1000 400 "redis-secret-b2c84d"
    file secrets/grafana/admin_password 472:0 400 "grafana-secret-19ab7c"
    "
  `);
});

test('the helper container: no network, nothing writable but the two roots, three capabilities, and no secret in its arguments', () => {
  const root = '/srv/gw';
  const settings = testSettings({ env: 'stage', variables: { DATA_DIR: '/data dir' } });
  const command = unpackArgs(
    { ...settings, instance: { ...settings.instance, secretsDir: `${root}/stage/secrets` } },
    'sha256:abc',
  );
  expect(command).toEqual([
    'run',
    '--rm',
    '--interactive',
    ...['--log-driver', 'none'],
    ...['--label', 'taxlien-gateway.environment=stage'],
    ...['--label', 'taxlien-gateway.step=owned-paths'],
    ...['--network', 'none'],
    '--read-only',
    ...['--memory', '128m'],
    ...['--pids-limit', '16'],
    '--no-healthcheck',
    ...['--security-opt', 'no-new-privileges'],
    ...['--cap-drop', 'ALL'],
    ...['--cap-add', 'CHOWN', '--cap-add', 'DAC_OVERRIDE', '--cap-add', 'FOWNER'],
    ...['--user', '0:0'],
    ...['--workdir', '/host'],
    ...['--entrypoint', 'tar'],
    ...['--mount', 'type=bind,source=/data dir,target=/host/data'],
    ...['--mount', 'type=bind,source=/srv/gw/stage/secrets,target=/host/secrets'],
    'sha256:abc',
    ...['-x', '-p', '-f', '-'],
  ]);
  for (const secret of Object.values(testSecrets)) expect(command.join(' ')).not.toContain(secret);
});

test('after a kill the step runs again and renews the generations that it was to apply', async () => {
  const settings = testSettings();
  const { instance, secrets } = settings;
  const generations = { gateway: 'gw-1', db: 'db-1', redis: 'redis-1', grafana: 'gf-1' };
  const step = { step: 'host-paths' as const, env: settings.env, imageId: 'sha256:abc', configSources: [] };
  const unpacks = new FakeDocker(() => {
    writeSecretFiles(instance, secrets);
    return {};
  });
  await makeHostPaths(settings, unpacks, { ...step, hostPathsId: 'paths-1', secretGenerations: generations });
  expect(secretGenerations(instance, secrets)).toEqual(generations);
  expect(hostPathsId(instance, [])).toBe('paths-1');

  // The directory of the gateway's secrets was removed and is created again, then the step is killed.
  const killed = new FakeDocker(() => {
    writeSecretFiles(instance, secrets);
    return { exitCode: 137 };
  });
  const next = { ...generations, gateway: 'gw-2' };
  await expect(
    makeHostPaths(settings, killed, { ...step, hostPathsId: 'paths-1', secretGenerations: next }),
  ).rejects.toMatchObject({ code: 'E_PROCESS' });
  const after = secretGenerations(instance, secrets);
  expect(secretServices.filter((service) => after[service] !== generations[service])).toEqual(['gateway']);
  expect(after.gateway).not.toBe('gw-2');
  expect(hostPathsId(instance, [])).not.toBe('paths-1');
});
