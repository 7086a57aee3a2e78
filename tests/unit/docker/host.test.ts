import { describe, expect, test, vi } from 'vitest';
import { resolveDockerHost } from '../../../docker/host.ts';
import { temporaryDir } from '../../helpers/temporary.ts';

describe('the address of the daemon', () => {
  test('is DOCKER_HOST if that is set', async () => {
    expect(await resolveDockerHost({ DOCKER_HOST: 'tcp://10.0.0.4:2376' })).toBe('tcp://10.0.0.4:2376');
  });

  test('is the standard socket without a docker client', async () => {
    vi.stubEnv('PATH', temporaryDir());
    expect(await resolveDockerHost({ DOCKER_HOST: '' })).toBe('unix:///var/run/docker.sock');
  });
});
