import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type InstalledPart, type Platform, units } from './parts.ts';

/** Lists the parts of a toolchain; a directory without it is no toolchain. */
export const stampName = 'toolchain.json';

/**
 * Names of the toolchain's possible directories: official parts depend on versions and platform, parts built here on
 * the Go modules too.
 */
export function toolchainKeys(moduleRoot: string, { os, arch }: Platform): { official: string; built: string } {
  const versions = units.map(({ parts: [part], version }) => `${part.name}-${version}`).join('-');
  const key = `${versions}-${os}-${arch}`;
  return { official: `${key}-official`, built: `${key}-built-${hashOfModules(moduleRoot)}` };
}

/** A toolchain counts as built if one of its parts is. */
export const isBuilt = (parts: readonly InstalledPart[]) => parts.some(({ origin }) => origin === 'built');

function hashOfModules(moduleRoot: string): string {
  const hash = createHash('sha256');
  const modules = units.flatMap(({ parts }) => parts.map(({ build }) => build.module));
  for (const module of modules) {
    for (const entry of readdirSync(join(moduleRoot, module), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      hash
        .update(`${relative(moduleRoot, file)}\0`)
        .update(readFileSync(file))
        .update('\0');
    }
  }
  return hash.digest('hex').slice(0, 12);
}
