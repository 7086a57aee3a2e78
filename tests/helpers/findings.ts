import type { DaemonFacts } from '../../docker/daemon-facts.ts';
import type { Finding } from '../../host/errors.ts';
import type { Source } from '../../host/git.ts';
import type { HostCheck } from '../../preflight/check.ts';
import { otherInstances } from '../../preflight/instances.ts';
import type { Settings } from '../../settings/load.ts';
import { cleanSource } from './instance.ts';

/** Runs a check that reads the host alone. */
export const runHostCheck = async (check: HostCheck, settings: Settings, source: Source = cleanSource) =>
  check.run({ settings, source, neighbours: otherInstances(settings) });

/** A daemon that is well and runs nothing. */
export const emptyDaemon: DaemonFacts = {
  host: 'unix:///d.sock',
  apiVersion: '1.52',
  minApiVersion: '1.24',
  arch: 'amd64',
  id: 'id-1',
  storageDriver: 'overlay2',
  rootDir: '/nonexistent',
  operatingSystem: 'Debian',
  areUidsMapped: false,
  containers: [],
  networks: [],
  volumes: [],
};

/** Each finding as `CODE severity: message. why fix`, without the part of the paths that differs between runs. */
export const shownFindings = (findings: readonly Finding[], root: string): readonly string[] =>
  findings.map(({ code, severity, message, why, fix }) =>
    `${code} ${severity}: ${message}. ${why} ${fix}`.replaceAll(root, '<root>'),
  );
