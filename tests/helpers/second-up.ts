import { expect } from 'vitest';
import { containerIds, gatewayctl, inStackShell, type Shell } from './engine.ts';

/** Expects that `up dev` changes nothing, that a refreshing preview agrees, and that every container stays. */
export async function expectSecondUpToChangeNothing(shell: Shell, project: string): Promise<void> {
  const before = await containerIds(project);
  const { stdout } = await gatewayctl(shell, ['up', 'dev']);
  expect(stdout).toMatch(/\d+ unchanged/);
  expect(stdout).not.toMatch(/\d+ (created|updated|replaced|deleted)|\+-|~ /);
  const preview = await inStackShell(shell, 'dev', ['pulumi', 'preview', '--refresh', '--expect-no-changes']);
  expect(preview.exitCode, preview.stdout + preview.stderr).toBe(0);
  expect(await containerIds(project)).toEqual(before);
}
