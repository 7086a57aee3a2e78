import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { secretFilesOf, secretServices, secretsPath } from '../../instance/secret-files.ts';
import type { Instance } from '../../settings/instance.ts';
import type { Secrets } from '../../settings/load.ts';
import { writeFiles } from './temporary.ts';

/** Writes the secret files where a deploy does, owned by this user. */
export function writeSecretFiles(instance: Instance, secrets: Secrets): void {
  for (const service of secretServices) {
    const dir = secretsPath(instance, service);
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(dir, { recursive: true });
    writeFiles(dir, secretFilesOf(secrets)[service]);
    chmodSync(dir, 0o700);
  }
}
