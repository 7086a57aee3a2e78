import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../host/process.ts';
import { userDirs } from '../../settings/instance.ts';
import { copyCheckout, instancesDir, makeShell, type Shell, tearDown, workTree } from './engine.ts';

/** Who runs gatewayctl; both must get the same results. */
export const accounts = ['root', 'an ordinary user in the docker group'] as const;
export type Account = (typeof accounts)[number];

/** Owner of what that account creates itself. */
export const ownerOf = (account: Account) => (account === 'root' ? '0:0' : '1:1');

/** A checkout and a root of instances for an account and its umask. */
export async function shellOf(account: Account, name: string, umask: string): Promise<Shell> {
  if (account === 'root') {
    return { ...(await makeShell(name)), before: ['sh', '-c', 'umask "$1"; shift; exec "$@"', 'sh', umask] };
  }
  // Below the instances of the engine, the user could not reach it.
  const home = mkdtempSync(`/var/tmp/taxlien-gateway-${name}-`);
  chmodSync(home, 0o755);
  const checkout = await copyCheckout(name, home);
  const root = join(home, 'root');
  mkdirSync(root);
  await run(['chown', '-R', '--no-dereference', '1:1', join(checkout.dir, '.git')]);
  await run(['chown', '1:1', home, root, checkout.dir]);
  const socket = (process.env.DOCKER_HOST ?? '').replace('unix://', '');
  const asUser = ['unshare', '--mount', join(workTree, 'tests/helpers/as-user.sh'), umask];
  return {
    checkout,
    root,
    home,
    before: [...asUser, home, userDirs().cacheDir, socket, `${statSync(socket).gid}`],
    env: {
      HOME: home,
      USER: 'daemon',
      LANG: 'C.UTF-8',
      PATH: process.env.PATH,
      DOCKER_HOST: `unix://${home}/docker.sock`,
      // By it, an interrupted run of tests finds what they started.
      TEST_INSTANCES_DIR: instancesDir(),
    },
  };
}

export async function tearDownShell(shell: Shell, ...envs: readonly string[]): Promise<void> {
  await tearDown(shell, ...envs);
  if (shell.home !== undefined) rmSync(shell.home, { recursive: true, force: true });
}
