import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../host/errors.ts';
import type { Progress } from '../../host/output.ts';
import { findProgram } from '../../host/paths.ts';
import { run } from '../../host/process.ts';

/** The system's program directories; a user's PATH may lack some. */
export const systemPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'] as const;

const policyFile = '/usr/sbin/policy-rc.d';

/** The programs that an engine needs, each with its Debian package. */
const needed = [
  { program: 'dockerd', package: 'docker.io' },
  { program: 'docker', package: 'docker.io' },
  { program: 'containerd', package: 'containerd' },
  { program: 'runc', package: 'runc' },
  { program: 'iptables', package: 'iptables' },
  { program: 'ip', package: 'iproute2' },
  { program: 'nsenter', package: 'util-linux' },
] as const;

/**
 * Installs missing programs of the engine from Debian's packages, without starting or enabling a service.
 * @throws UserError E_NO_ENGINE if some are missing and cannot be installed
 */
export async function ensureEnginePrograms(progress: Progress): Promise<void> {
  const missing = needed.filter(({ program }) => findProgram(program, systemPath) === undefined);
  if (missing.length === 0) return;
  const names = missing.map(({ program }) => program).join(', ');
  const packages = [...new Set(missing.map((entry) => entry.package))];
  if (process.getuid?.() !== 0 || findProgram('apt-get', systemPath) === undefined) {
    throw new UserError(
      'E_NO_ENGINE',
      `sandbox: ${names} not found in PATH; gatewayctl installs them only as root on Debian`,
      `Install them: sudo apt-get install --no-install-recommends ${packages.join(' ')}`,
    );
  }
  await aptInstall(packages, progress);
}

/** Installs Debian packages, as root, without starting or enabling their services. */
export async function aptInstall(packages: readonly string[], progress: Progress): Promise<void> {
  const what = packages.join(' ');
  progress.step(`installing ${what}`);
  const services = packages.includes('docker.io') ? ['docker.service', 'docker.socket', 'containerd.service'] : [];
  const hadServices = services.length > 0 && existsSync('/lib/systemd/system/docker.service');
  await withoutServiceStarts(() => aptGetInstall(packages, [], progress));
  if (services.length > 0 && !hadServices && existsSync('/run/systemd/system')) {
    await run(['systemctl', 'disable', ...services], { allowedExitCodes: 'any' });
  }
  progress.done(`installed ${what}`);
}

/** `apt-get install` with these options; updates the package lists and tries again if it fails. */
export async function aptGetInstall(packages: readonly string[], options: readonly string[], progress: Progress) {
  const onLine = (line: string) => progress.tick(line.slice(0, 100));
  const aptGet = ['env', `PATH=${systemPath.join(':')}`, 'DEBIAN_FRONTEND=noninteractive', 'apt-get'];
  const install = [...aptGet, 'install', '--yes', '--no-install-recommends', ...options, ...packages];
  const first = await run(install, { onLine, allowedExitCodes: 'any' });
  if (first.exitCode === 0) return;
  // The package lists may be older than the mirror, or missing.
  await run([...aptGet, 'update'], { onLine });
  await run(install, { onLine });
}

/** Exit 101 of policy-rc.d is Debian's way to forbid service starts during an install. */
async function withoutServiceStarts(work: () => Promise<void>): Promise<void> {
  const kept = existsSync(policyFile) ? mkdtempSync(`${path.dirname(policyFile)}/.policy-rc.d-`) : undefined;
  if (kept !== undefined) renameSync(policyFile, path.join(kept, 'policy-rc.d'));
  try {
    writeFileSync(policyFile, '#!/bin/sh\nexit 101\n');
    chmodSync(policyFile, 0o755);
    await work();
  } finally {
    rmSync(policyFile, { force: true });
    if (kept !== undefined) {
      renameSync(path.join(kept, 'policy-rc.d'), policyFile);
      rmSync(kept, { recursive: true });
    }
  }
}
