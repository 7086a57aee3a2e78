import type { Check, Finding } from '../../preflight/finding.ts';
import type { Settings } from '../../settings/load.ts';
import type { Source } from '../../settings/source.ts';
import { cleanSource } from './instance.ts';

/** Runs a check that reads the host alone; asking the daemon would fail. */
export const runHostCheck = (check: Check, settings: Settings, source: Source = cleanSource) =>
  check.run({ settings, source, dockerHost: 'unix:///nonexistent/docker.sock' });

/** Each finding as `CODE severity: message. why fix`, without the part of the paths that differs between runs. */
export const shownFindings = (findings: readonly Finding[], root: string): readonly string[] =>
  findings.map(({ code, severity, message, why, fix }) =>
    `${code} ${severity}: ${message}. ${why} ${fix}`.replaceAll(root, '<root>'),
  );
