import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeWhole } from '../host/whole-file.ts';
import type { Instance } from '../settings/instance.ts';
import type { Secrets } from '../settings/load.ts';
import { readRemembered } from './remembered.ts';

/** Services that get secret files. */
export const secretServices = ['gateway', 'db', 'redis', 'grafana'] as const;
export type SecretService = (typeof secretServices)[number];

/** What a service finds under `/run/secrets`: file name to content. */
export type SecretFiles = Readonly<Record<string, string>>;

/** Random id for each service, renewed when one of its secrets changes. No hash of a secret is stored anywhere. */
export type SecretGenerations = Readonly<Record<SecretService, string>>;

export function secretFilesOf(secrets: Secrets): Readonly<Record<SecretService, SecretFiles>> {
  return {
    gateway: {
      db_password: secrets.POSTGRES_PASSWORD,
      redis_password: secrets.REDIS_PASSWORD,
      worker_token: secrets.WORKER_TOKEN,
    },
    db: { postgres_password: secrets.POSTGRES_PASSWORD },
    // The official image has no *_FILE variable: the server reads the file as its configuration.
    redis: { 'redis.conf': `requirepass ${quoted(secrets.REDIS_PASSWORD)}\n`, redis_password: secrets.REDIS_PASSWORD },
    grafana: { admin_password: secrets.GRAFANA_ADMIN_PASSWORD },
  };
}

/** A value in the quotes of redis.conf. */
const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;

type Applied = z.infer<typeof appliedSchema>;

/** Directory of a service's secret files on the host. */
export const secretsPath = (instance: Instance, service: SecretService) => join(instance.secretsDir, service);

/**
 * The generation on disk if a service's files exist and are unchanged, else a new one, which replaces its container.
 * Writes nothing.
 */
export function secretGenerations(instance: Instance, secrets: Secrets): SecretGenerations {
  const applied = readApplied(instance);
  const files = secretFilesOf(secrets);
  const generationOf = (service: SecretService) => {
    const known = applied[service];
    const isSame = known !== undefined && JSON.stringify(known.files) === JSON.stringify(files[service]);
    return isSame && areWritten(secretsPath(instance, service), files[service]) ? known.generation : randomUUID();
  };
  return Object.fromEntries(secretServices.map((service) => [service, generationOf(service)])) as Record<
    SecretService,
    string
  >;
}

/** Whether the files of a service are on disk, as far as this user may read them. */
function areWritten(dir: string, files: SecretFiles): boolean {
  const mode = statSync(dir, { throwIfNoEntry: false })?.mode;
  // A directory that others can read is an empty one, which Docker created in place of a removed one.
  if (mode === undefined || (mode & 0o077) !== 0) return false;
  return Object.entries(files).every(([name, content]) => holds(join(dir, name), content));
}

function holds(path: string, content: string): boolean {
  try {
    return readFileSync(path, 'utf8') === content;
  } catch (error) {
    // Only root can read a service's directory, and only root can have removed its files.
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

/**
 * Removes the records of the services whose generation is about to change: until their files are written, it is
 * unknown which ones are on disk.
 */
export function forgetChanged(instance: Instance, generations: SecretGenerations): void {
  const applied = readApplied(instance);
  const kept = secretServices.filter((service) => applied[service]?.generation === generations[service]);
  writeAppliedFile(instance, Object.fromEntries(kept.map((service) => [service, applied[service]])));
}

/** Records which files are of which generation, next to the secrets and equally protected. */
export function writeApplied(instance: Instance, secrets: Secrets, generations: SecretGenerations): void {
  const files = secretFilesOf(secrets);
  const applied: Applied = Object.fromEntries(
    secretServices.map((service) => [service, { generation: generations[service], files: files[service] }]),
  );
  writeAppliedFile(instance, applied);
}

function writeAppliedFile(instance: Instance, applied: Applied): void {
  mkdirSync(instance.secretsDir, { recursive: true, mode: 0o700 });
  writeWhole(instance.appliedSecretsFile, `${JSON.stringify(applied)}\n`, 0o600);
}

const appliedSchema = z.partialRecord(
  z.enum(secretServices),
  z.object({ generation: z.string(), files: z.record(z.string(), z.string()) }),
);

const readApplied = ({ appliedSecretsFile, env }: Instance): Applied =>
  readRemembered(
    appliedSecretsFile,
    appliedSchema,
    `Remove it: rm ${appliedSecretsFile}. Then ./gatewayctl up ${env} writes the secret files again and replaces their containers.`,
  ) ?? {};
