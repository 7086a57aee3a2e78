import { run } from '../cli/process.ts';
import { UserError } from '../settings/errors.ts';
import type { Check, Finding } from './finding.ts';

const leastApi = [1, 41] as const;

/** The Docker daemon answers, and runs Linux containers. */
export const daemon: Check = {
  name: 'daemon',
  reads: 'daemon',
  async run({ dockerHost }) {
    const result = await run(
      ['docker', '--host', dockerHost, 'version', '--format', '{{.Server.Os}} {{.Server.Arch}} {{.Server.APIVersion}}'],
      {
        allowedExitCodes: 'any',
        timeoutMs: 10_000,
      },
    ).catch((error: unknown) => {
      if (error instanceof UserError) return { exitCode: 1, stdout: '', stderr: error.message };
      throw error;
    });
    const [os = '', arch = '', apiVersion = ''] = result.stdout.trim().split(' ');
    if (result.exitCode === 0 && os === 'linux') return versionFindings(dockerHost, arch, apiVersion);
    if (result.stderr.includes('permission denied')) return [permissionFinding(dockerHost, result.stderr)];
    const got = result.exitCode === 0 ? `containers of ${os}` : (result.stderr.trim().split('\n').at(-1) ?? '');
    return [
      {
        code: 'E_DAEMON',
        severity: 'error',
        message: `docker: no daemon for Linux containers answers at ${dockerHost} (got ${got})`,
        why: 'Every part of the stack is a container of that daemon.',
        fix: 'Start Docker (Linux: sudo systemctl start docker; macOS: open -a Docker), or set DOCKER_HOST to its address (docker context ls shows those that are known).',
      },
    ];
  },
};

function permissionFinding(dockerHost: string, stderr: string): Finding {
  return {
    code: 'E_DAEMON_PERMISSION',
    severity: 'error',
    message: `docker: this user may not use ${dockerHost} (got ${stderr.trim().split('\n').at(-1) ?? ''})`,
    why: 'Every part of the stack is a container of that daemon.',
    fix: 'Linux: sudo usermod -aG docker "$USER", then log in anew; macOS: open -a Docker as this user.',
  };
}

/** What the daemon is too old for, or on what machine no image runs. */
export function versionFindings(dockerHost: string, arch: string, apiVersion: string): readonly Finding[] {
  const findings: Finding[] = [];
  const [major = 0, minor = 0] = apiVersion.split('.').map(Number);
  const refuse = (code: string, rule: string, why: string, fix: string) =>
    findings.push({ code, severity: 'error', message: `docker at ${dockerHost}: ${rule}`, why, fix });
  if (major < leastApi[0] || (major === leastApi[0] && minor < leastApi[1])) {
    refuse(
      'E_DAEMON_API',
      `is too old (got API ${apiVersion}, needs ${leastApi.join('.')}, Docker 20.10)`,
      'The deploy uses what older daemons do not have.',
      'Update it. Linux: sudo apt-get install --only-upgrade docker-ce; macOS: brew upgrade --cask docker.',
    );
  }
  if (arch !== 'amd64' && arch !== 'arm64') {
    const why = 'The images of the five services are made for those two only.';
    refuse(
      'E_DAEMON_ARCH',
      `runs on another architecture than amd64 and arm64 (got ${arch})`,
      why,
      'Use another host.',
    );
  }
  return findings;
}
