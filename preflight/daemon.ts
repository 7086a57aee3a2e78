import { run } from '../cli/process.ts';
import { UserError } from '../settings/errors.ts';
import type { Check } from './finding.ts';

/** The Docker daemon answers, and runs Linux containers. */
export const daemon: Check = {
  name: 'daemon',
  reads: 'daemon',
  async run({ dockerHost }) {
    const result = await run(['docker', '--host', dockerHost, 'version', '--format', '{{.Server.Os}}'], {
      allowedExitCodes: 'any',
      timeoutMs: 10_000,
    }).catch((error: unknown) => {
      if (error instanceof UserError) return { exitCode: 1, stdout: '', stderr: error.message };
      throw error;
    });
    const os = result.stdout.trim();
    if (result.exitCode === 0 && os === 'linux') return [];
    const got = result.exitCode === 0 ? `containers of ${os}` : (result.stderr.trim().split('\n').at(-1) ?? '');
    return [
      {
        code: 'E_DAEMON',
        severity: 'error',
        message: `docker: no daemon for Linux containers answers at ${dockerHost} (got ${got})`,
        why: 'Every part of the stack is a container of that daemon.',
        fix: 'Start Docker (Linux: sudo systemctl start docker; macOS: open -a Docker), and let this user use it: sudo usermod -aG docker "$USER".',
      },
    ];
  },
};
