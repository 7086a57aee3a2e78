import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../cli/process.ts';
import { userDirs } from '../../settings/instance.ts';
import { type Checkout, containerIds, containersOf, copyCheckout, removeVolumes, workTree } from '../helpers/engine.ts';
import { completeTask, fetchResult, sha256, workerOf } from '../helpers/worker.ts';

const project = 'taxlien-gateway-dev';
const socket = (process.env.DOCKER_HOST ?? '').replace('unix://', '');

describe('an ordinary user in the docker group', () => {
  let home: string;
  let checkout: Checkout;

  /** Runs gatewayctl as that user, with a root that the user owns. */
  const gatewayctl = (args: readonly string[], allowed: 'any' | undefined = undefined) => {
    const env = {
      HOME: home,
      USER: 'daemon',
      LANG: 'C.UTF-8',
      PATH: process.env.PATH,
      DOCKER_HOST: `unix://${home}/docker.sock`,
      TAXLIEN_GATEWAY_ROOT: join(home, 'root'),
    };
    const asUser = ['unshare', '--mount', join(workTree, 'tests/helpers/as-user.sh')];
    const group = `${statSync(socket).gid}`;
    return run([...asUser, home, userDirs().cacheDir, socket, group, join(checkout.dir, 'gatewayctl'), ...args], {
      cwd: '/',
      env,
      ...(allowed === undefined ? {} : { allowedExitCodes: allowed }),
    });
  };

  beforeAll(async () => {
    home = mkdtempSync('/var/tmp/taxlien-gateway-user-');
    chmodSync(home, 0o755);
    checkout = await copyCheckout('user', home);
    await run(['chown', '-R', '--no-dereference', '1:1', join(checkout.dir, '.git')]);
    mkdirSync(join(home, 'root'));
    await run(['chown', '1:1', home, join(home, 'root'), checkout.dir]);
  });

  afterAll(async () => {
    await gatewayctl(['destroy', 'dev', '--yes'], 'any');
    await removeVolumes(project);
    rmSync(home, { recursive: true, force: true });
  });

  test('deploys, finds nothing to do, and destroys', async () => {
    await gatewayctl(['up', 'dev']);
    const before = await containerIds(project);
    expect(Object.keys(before)).toHaveLength(5);
    const root = join(home, 'root');
    const worker = workerOf(root, 'dev');
    const body = new TextEncoder().encode('as an ordinary user');
    const id = await completeTask(worker, body);
    expect(sha256(await fetchResult(worker, id))).toBe(sha256(body));
    const second = await gatewayctl(['up', 'dev']);
    expect(second.stdout).not.toMatch(/\d+ (created|updated|replaced|deleted)/);
    expect(await containerIds(project)).toEqual(before);
    await gatewayctl(['destroy', 'dev', '--yes']);
    expect(await containersOf(project)).toEqual({});
  });

  test('data and secrets belong to the users of the containers', () => {
    const owner = (path: string) => {
      const { uid, gid, mode } = statSync(join(home, 'root/dev', path));
      return `${uid}:${gid} ${(mode & 0o777).toString(8)}`;
    };
    expect(owner('.env')).toBe('1:1 600');
    expect(owner('data/postgres')).toBe('70:70 700');
    expect(owner('data/redis')).toBe('999:1000 700');
    expect(owner('data/raw')).toBe('65532:65532 700');
    expect(owner('data/prometheus')).toBe('65534:65534 700');
    expect(owner('data/grafana')).toBe('472:0 700');
    expect(owner('secrets/db/postgres_password')).toBe('70:70 400');
    expect(owner('secrets/redis/redis.conf')).toBe('999:1000 400');
    expect(owner('secrets/gateway/worker_token')).toBe('65532:65532 400');
    expect(owner('secrets/grafana/admin_password')).toBe('472:0 400');
    expect(owner('secrets/applied.json')).toBe('1:1 600');
  });
});
