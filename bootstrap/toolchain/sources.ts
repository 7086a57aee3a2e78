import { chmodSync, copyFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../../host/errors.ts';
import type { Progress } from '../../host/output.ts';
import type { InstalledPart, Platform, Unit } from './parts.ts';

/** Each part of a unit, or why this way could not get them. */
export type Attempt = { readonly parts: readonly Omit<InstalledPart, 'problems'>[] } | { readonly problem: string };

/** One way to get a unit's programs. */
export interface Way {
  readonly name: string;
  /** true: uses the network or takes long, so its failure is reported at once. */
  readonly isReported: boolean;
  readonly attempt: (unit: Unit) => Promise<Attempt>;
}

/** A unit that no way could get, with the problem of each. */
interface Missing {
  readonly unit: Unit;
  readonly problems: readonly string[];
}

/** Tries the ways one after the other; returns the unit's parts by name. */
export async function obtain(
  unit: Unit,
  ways: readonly Way[],
  progress: Progress,
): Promise<{ readonly parts: Readonly<Record<string, InstalledPart>> } | Missing> {
  const problems: string[] = [];
  for (const { name, isReported, attempt } of ways) {
    const result = await attempt(unit);
    if ('parts' in result) {
      return {
        parts: Object.fromEntries(result.parts.map((part, index) => [unit.parts[index]?.name, { ...part, problems }])),
      };
    }
    problems.push(`${name}: ${result.problem}`);
    if (isReported) progress.step(`toolchain: ${unit.name} ${unit.version}: no ${name}: ${result.problem}`);
  }
  return { unit, problems };
}

/** Names all missing units, the files to download for them and where to put these. */
export function cannotInstall(missing: readonly Missing[], platform: Platform, archivesDir: string): UserError {
  const files = missing.flatMap(({ unit: { release } }) => [release.archiveUrl(platform), release.checksumsUrl]);
  const installs = missing.map(({ unit: { parts, version } }) =>
    parts[0].name === 'pulumi'
      ? `Pulumi ${version}, on PATH`
      : `pulumi plugin install resource ${parts[0].name} ${version}`,
  );
  return new UserError(
    'E_TOOLCHAIN',
    missing
      .flatMap(({ unit, problems }) => [
        `${unit.name} ${unit.version}: cannot be installed`,
        ...problems.map((problem) => `  ${problem}`),
      ])
      .join('\n'),
    [
      `Download these files on a machine that can reach them, put them into ${archivesDir}, and run this again:`,
      ...files.map((url) => `  ${url}`),
      'Or install them yourself:',
      ...installs.map((install) => `  ${install}`),
      'Or set TAXLIEN_GATEWAY_MIRROR to a mirror of these files, or install Go 1.26.',
    ].join('\n'),
  );
}

/** Copies a program, so that a later change of its source does not change the checked toolchain. */
export function putInPlace(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(source, target);
  chmodSync(target, 0o755);
}
