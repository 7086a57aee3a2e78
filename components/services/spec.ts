import type { DataVolumeName, ServiceName } from '../../settings/services.ts';

/** What differs between services; a plain value, the same at every run. */
export interface ServiceSpec {
  readonly service: ServiceName;
  /** `uid:gid` that the process runs as. */
  readonly user: string;
  /** Port that the process listens on inside the container. */
  readonly containerPort: number;
  readonly command?: readonly string[];
  /** No secrets: anyone who may run `docker inspect` can read it. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes: readonly { readonly volume: DataVolumeName; readonly mountedAt: string }[];
  /** Directories of the checkout, mounted read-only from their content-addressed copies. */
  readonly configFiles?: readonly { readonly source: string; readonly mountedAt: string }[];
  /** In-memory directories: path to mount options. */
  readonly tmpfs?: Readonly<Record<string, string>>;
  /** The test of the container's health check, in Docker's form: `["CMD", ...]`. */
  readonly healthTest: readonly string[];
  /** How long the first start may take before a failed check counts, in seconds. */
  readonly startPeriodSeconds: number;
  /** How long a stop may take before the process is killed, in seconds. */
  readonly graceSeconds: number;
}
