export const environments = ['dev', 'stage', 'prod'] as const;
export type Environment = (typeof environments)[number];

export const services = ['gateway', 'db', 'redis', 'prometheus', 'grafana'] as const;
export type ServiceName = (typeof services)[number];

/** Parts of an instance that have a directory below DATA_DIR and a volume of their own. */
export const dataVolumes = ['postgres', 'redis', 'raw', 'prometheus', 'grafana'] as const;
export type DataVolumeName = (typeof dataVolumes)[number];

/** uid and gid that a service's process runs as; fixed by the official images and by Dockerfile.gateway. */
export const owners: Readonly<Record<ServiceName, { readonly uid: number; readonly gid: number }>> = {
  gateway: { uid: 65532, gid: 65532 },
  db: { uid: 70, gid: 70 },
  redis: { uid: 999, gid: 1000 },
  prometheus: { uid: 65534, gid: 65534 },
  grafana: { uid: 472, gid: 0 },
};

/** `uid:gid` in the form of Docker. */
export const userOf = (service: ServiceName) => `${owners[service].uid}:${owners[service].gid}`;

/** Which service's user owns a data directory. */
export const dataOwners: Readonly<Record<DataVolumeName, ServiceName>> = {
  postgres: 'db',
  redis: 'redis',
  raw: 'gateway',
  prometheus: 'prometheus',
  grafana: 'grafana',
};
