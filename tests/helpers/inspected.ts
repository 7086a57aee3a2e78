import type { Inspected } from '../../docker/status.ts';
import type { ServiceName } from '../../settings/services.ts';

/** What `docker container inspect` prints for running containers of an instance, each with this health. */
export const inspectedText = (project: string, health: Partial<Record<ServiceName, string>>): string =>
  JSON.stringify(
    Object.entries(health).map(
      ([service, status]): Inspected => ({
        Name: `/${project}-${service}`,
        Image: 'sha256:1',
        State: { Status: 'running', Health: { Status: status } },
        NetworkSettings: { Ports: {} },
      }),
    ),
  );
