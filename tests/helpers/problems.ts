import { findingText } from '../../host/errors.ts';
import { loadSettings, SettingsError } from '../../settings/load.ts';
import { testInstance } from './instance.ts';
import { temporaryDir, writeFiles } from './temporary.ts';

/** Each problem as its line of text, without the part of the paths that differs between runs. */
export function problemsOf(text: string, stackFile?: string): readonly string[] {
  const root = temporaryDir();
  const checkoutDir = temporaryDir();
  if (stackFile !== undefined) writeFiles(checkoutDir, { 'Pulumi.dev.yaml': stackFile });
  try {
    loadSettings(testInstance({ root, text }), checkoutDir);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.findings.map((finding) => findingText(finding).replaceAll(root, '<root>'));
  }
  return [];
}
