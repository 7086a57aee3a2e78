import { appendFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { markName } from '../../cli/stack/run-pulumi.ts';
import { run } from '../../host/process.ts';
import { processesWithVariable } from '../../host/processes.ts';
import { putEnvValue } from '../../instance/env-edit.ts';
import { containersOf, docker, gatewayctl, inStackShell, makeShell, type Shell, tearDown } from '../helpers/engine.ts';
import { setGatewayVersion } from '../helpers/gateway-version.ts';
import { type Started, startGatewayctl } from '../helpers/killed.ts';
import { type Worker, workerOf } from '../helpers/worker.ts';
import { addAddress, cutPower, removeAddress, startEngine } from './engine-control.ts';

export const project = 'taxlien-gateway-dev';
export const bindIp = '10.98.0.1';
const services = ['db', 'gateway', 'grafana', 'prometheus', 'redis'];
const dataSize = '512m';

/** What `up` printed, and its exit code. */
export interface Said {
  readonly exitCode: number;
  readonly text: string;
}

/** The instance for the faults, on an address and a small file system of its own. */
export class LiveStack {
  readonly shell: Shell;
  readonly instanceDir: string;
  readonly dataDir: string;
  readonly #savedDir: string;
  #changes = 0;
  /** Remarks for the result of a fault. */
  readonly notes: string[] = [];
  /** How long an `up` with a change took; moments are percents of it. */
  upMs = 0;

  private constructor(shell: Shell) {
    this.shell = shell;
    this.instanceDir = join(shell.root, 'dev');
    this.dataDir = join(this.instanceDir, 'data');
    this.#savedDir = join(shell.root, 'saved');
  }

  static async start(name: string): Promise<LiveStack> {
    const stack = new LiveStack(await makeShell(name));
    await addAddress(bindIp);
    await gatewayctl(stack.shell, ['init', 'dev', '--bind-ip', bindIp]);
    appendFileSync(stack.envFile, 'RATE_LIMIT_PER_MINUTE=1000000\n');
    mkdirSync(stack.dataDir, { recursive: true });
    await run(['mount', '-t', 'tmpfs', '-o', `size=${dataSize},mode=755`, 'faults', stack.dataDir]);
    await gatewayctl(stack.shell, ['up', 'dev']);
    stack.change();
    const startedMs = performance.now();
    await gatewayctl(stack.shell, ['up', 'dev']);
    stack.upMs = performance.now() - startedMs;
    return stack;
  }

  async end(): Promise<void> {
    await startEngine();
    await gatewayctl(this.shell, ['destroy', 'dev', '--yes'], 'any');
    await run(['umount', '--lazy', this.dataDir], { allowedExitCodes: 'any' });
    await tearDown(this.shell, 'dev');
    await removeAddress();
  }

  get envFile(): string {
    return join(this.instanceDir, '.env');
  }

  get stateFile(): string {
    return join(this.instanceDir, 'state/.pulumi/stacks/taxlien-gateway/dev.json');
  }

  get worker(): Worker {
    return workerOf(this.shell.root, 'dev');
  }

  get mainFile(): string {
    return join(this.shell.checkout.dir, 'cmd/gateway/main.go');
  }

  /** Changes the gateway and the limit of a container that keeps data. */
  change(): void {
    this.#changes += 1;
    setGatewayVersion(this.shell.checkout.dir, `3.0.${this.#changes}`);
    putEnvValue(this.envFile, 'REDIS_MEMORY_MIB', `${256 + (this.#changes % 64)}`);
  }

  startUp(): Started {
    return startGatewayctl(this.shell, ['up', 'dev']);
  }

  async up(...args: readonly string[]): Promise<Said> {
    const { exitCode, stdout, stderr } = await gatewayctl(this.shell, ['up', 'dev', ...args], 'any');
    return { exitCode, text: stdout + stderr };
  }

  /** The next `up` repairs everything: five healthy containers and no other, nothing left to change, a sound database. */
  async expectWhole(): Promise<string> {
    const { exitCode, text } = await this.up();
    expect(exitCode, text).toBe(0);
    const containers = await containersOf(project);
    const health = Object.entries(containers).map(([service, { State }]) => `${service} ${State.Health.Status}`);
    expect(health.sort(), text).toEqual(services.map((service) => `${service} healthy`));
    const names = (await docker('ps', '--all', '--format', '{{.Names}}')).split('\n');
    expect(names.sort()).toEqual(services.map((service) => `${project}-${service}`));
    expect(processesWithVariable(`${markName}=${this.instanceDir}`), 'processes of a deploy').toEqual([]);
    const argv = ['pulumi', 'preview', '--refresh', '--expect-no-changes', '--diff'];
    const preview = await inStackShell(this.shell, 'dev', argv);
    expect(preview.exitCode, preview.stdout + preview.stderr).toBe(0);
    await checkDatabase();
    return text;
  }

  /** Copies the instance while its containers are stopped. */
  async save(): Promise<void> {
    const ids = Object.values(await containersOf(project)).map(({ Id }) => Id);
    await docker('stop', ...ids);
    mkdirSync(this.#savedDir);
    await run(['cp', '-a', `${this.instanceDir}/.`, this.#savedDir]);
    await docker('start', ...ids);
  }

  /** Restores the copy after a fault that the instance did not survive. */
  async restore(): Promise<void> {
    // Removes the engine's mounts from what is restored.
    await cutPower();
    await addAddress(bindIp);
    await startEngine();
    await this.shell.checkout.git('checkout', '--', '.');
    const all = await docker('ps', '--all', '--quiet');
    if (all !== '') await docker('rm', '--force', ...all.split('\n'));
    await run(['mount', '-o', 'remount,rw', this.dataDir]);
    for (const name of readdirSync(this.instanceDir).filter((entry) => entry !== 'data')) {
      rmSync(join(this.instanceDir, name), { recursive: true });
    }
    for (const name of readdirSync(this.dataDir)) rmSync(join(this.dataDir, name), { recursive: true });
    await run(['cp', '-a', `${this.#savedDir}/.`, this.instanceDir]);
    this.change();
    await this.expectWhole();
  }
}

/** Runs a client program in the database's container, with the password that is there. */
export function inDatabase(...argv: readonly string[]): Promise<string> {
  const script = 'PGPASSWORD=$(cat /run/secrets/postgres_password) exec "$@"';
  return docker('exec', `${project}-db`, 'sh', '-c', script, 'sh', ...argv);
}

const checkDatabase = () =>
  inDatabase('pg_amcheck', '--username=gateway', '--database=gateway', '--install-missing', '--heapallindexed');
