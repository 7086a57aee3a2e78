import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Owner and mode of everything in an instance: the table that docs/security.md links to. `self` is who ran gatewayctl. */
const table = [
  '. self 755',
  '.env self 600',
  'Pulumi.dev.yaml self 600',
  'backups self 700',
  'backups/state self 700',
  'backups/state/* self 600',
  'config self 755',
  'config/<sha256> self 755',
  'config/<sha256>/** self 644',
  'config/<sha256>/**/ self 755',
  'data self 755',
  'data/.owners self 755',
  'data/.owners/* self 644',
  'data/grafana 472:0 700',
  'data/postgres 70:70 700',
  'data/prometheus 65534:65534 700',
  'data/raw 65532:65532 700',
  'data/redis 999:1000 700',
  'engine self 644',
  'host-paths-id self 644',
  'instance-id self 644',
  'logs self 700',
  'logs/last-deploy.json self 600',
  'secrets self 700',
  'secrets/applied.json self 600',
  'secrets/db 70:70 500',
  'secrets/db/postgres_password 70:70 400',
  'secrets/gateway 65532:65532 500',
  'secrets/gateway/db_password 65532:65532 400',
  'secrets/gateway/redis_password 65532:65532 400',
  'secrets/gateway/worker_token 65532:65532 400',
  'secrets/grafana 472:0 500',
  'secrets/grafana/admin_password 472:0 400',
  'secrets/pulumi-passphrase self 600',
  'secrets/redis 999:1000 500',
  'secrets/redis/redis.conf 999:1000 400',
  'secrets/redis/redis_password 999:1000 400',
  'state self 700',
  'state/** self 644',
  'state/**/ self 755',
];

/** The table for an instance that this user created. */
export const modeTable = (self: string): readonly string[] => table.map((line) => line.replace(' self ', ` ${self} `));

/** The same of an instance on disk, without the content of data directories. */
export function modesOf(instanceDir: string): readonly string[] {
  const found = new Set<string>();
  const look = (path: string) => {
    const { uid, gid, mode } = statSync(join(instanceDir, path));
    const isDirectory = statSync(join(instanceDir, path)).isDirectory();
    found.add(`${grouped(path, isDirectory)} ${uid}:${gid} ${(mode & 0o777).toString(8)}`);
    if (!isDirectory || /^data\/[^.]/.test(path)) return;
    for (const name of readdirSync(join(instanceDir, path))) look(path === '.' ? name : `${path}/${name}`);
  };
  look('.');
  return [...found].sort();
}

/** One name for all paths of the same kind. */
function grouped(path: string, isDirectory: boolean): string {
  const tree = isDirectory ? '**/' : '**';
  return path
    .replace(/^(backups\/state|data\/\.owners)\/.*/, '$1/*')
    .replace(/^state\/.+/, `state/${tree}`)
    .replace(/^config\/[0-9a-f]{64}/, 'config/<sha256>')
    .replace(/^config\/<sha256>\/.+/, `config/<sha256>/${tree}`);
}
