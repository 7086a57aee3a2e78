import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { dockerdCommand } from '../../bootstrap/sandbox/engine.ts';
import { systemPath } from '../../bootstrap/sandbox/install.ts';
import { type Layout, layoutOf } from '../../bootstrap/sandbox/layout.ts';
import { ping } from '../../docker/engine-api.ts';
import { unmountBelow } from '../../host/mounts.ts';
import { run } from '../../host/process.ts';
import { end, processesInCgroup, processesWithArgs, signal, waitForEnd } from '../../host/processes.ts';
import { eventually, workTree } from '../helpers/engine.ts';

/** The engine of this run, in the network namespace of the tests; no other engine is ever touched. */
function ownLayout(): Layout {
  const socket = process.env.DOCKER_HOST?.replace('unix://', '') ?? '';
  const layout = layoutOf(dirname(dirname(dirname(socket))), basename(dirname(socket)));
  if (layout.socket !== socket) throw new Error(`no engine of the tests' own (got ${socket})`);
  return layout;
}

const dockerd = ({ dataRoot, execRoot }: Layout) =>
  processesWithArgs([`--data-root=${dataRoot}`, `--exec-root=${execRoot}`]);
const containerd = ({ containerdConfig: file }: Layout) => processesWithArgs(['containerd', '--config', file]);

async function startDetached({ logFile }: Layout, argv: readonly string[]): Promise<void> {
  const script = `${workTree}/bootstrap/sandbox/start-detached.sh`;
  await run(['sh', script, logFile, 'env', `PATH=${systemPath.join(':')}`, ...argv]);
}

/** Stops dockerd, and with it every container, as `systemctl stop docker` does. */
export async function stopEngine(): Promise<void> {
  await end(dockerd(ownLayout()), 'SIGTERM', 140_000);
}

/** Starts containerd and dockerd if they do not run, in the same network namespace as before. */
export async function startEngine(): Promise<void> {
  const layout = ownLayout();
  if (containerd(layout).length === 0) {
    mkdirSync(layout.containerdState, { recursive: true, mode: 0o711 });
    await startDetached(layout, ['containerd', '--config', layout.containerdConfig]);
    await eventually('containerd listens', 60_000, async () => existsSync(layout.containerdSocket) || undefined);
  }
  if (dockerd(layout).length === 0) await startDetached(layout, dockerdCommand(layout));
  await eventually('the engine answers', 120_000, async () => (await ping(layout.socket)) || undefined);
}

/** Leaves what a power cut leaves of an engine: its directories, without its processes, mounts and networks. */
export async function cutPower(): Promise<void> {
  const layout = ownLayout();
  const all = () => [
    ...dockerd(layout),
    ...containerd(layout),
    ...processesWithArgs(['-address', layout.containerdSocket]),
    ...processesInCgroup(layout.cgroup),
  ];
  for (let left = all(); left.length > 0; left = all()) {
    for (const id of left) signal(id, 'SIGKILL');
    await waitForEnd(left, 5_000);
  }
  await unmountBelow(layout.dataRoot);
  await unmountBelow(layout.execRoot);
  for (const path of [layout.pidFile, layout.socket, layout.execRoot]) rmSync(path, { recursive: true, force: true });
  const links = JSON.parse((await run(['ip', '-json', 'link'])).stdout) as { ifname: string }[];
  for (const { ifname } of links.filter(({ ifname }) => ifname !== 'lo')) {
    // The other end of a pair is deleted with the first.
    await run(['ip', 'link', 'delete', ifname], { allowedExitCodes: [0, 1] });
  }
}

/** A network device that holds one address, as a dummy device would: not every kernel has those. */
export async function addAddress(address: string): Promise<void> {
  await run(['ip', 'link', 'add', 'faults0', 'type', 'bridge']);
  await run(['ip', 'address', 'add', `${address}/24`, 'dev', 'faults0']);
  await run(['ip', 'link', 'set', 'faults0', 'up']);
}

export const removeAddress = () => run(['ip', 'link', 'delete', 'faults0'], { allowedExitCodes: [0, 1] });
