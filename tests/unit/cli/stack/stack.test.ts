import { expect, test, vi } from 'vitest';
import { exportsOf } from '../../../../cli/stack/stack.ts';
import { DockerClient } from '../../../../docker/client.ts';
import { childEnvironment } from '../../../../host/environment.ts';
import { instanceOf } from '../../../../settings/instance.ts';

test("a stack's own variables override those of the caller's shell", () => {
  vi.stubEnv('DOCKER_BUILDKIT', '0');
  vi.stubEnv('DOCKER_HOST', 'unix:///other.sock');
  vi.stubEnv('PULUMI_CONFIG_PASSPHRASE', 'of another stack');
  const engine = { kind: 'daemon', docker: new DockerClient('unix:///run/docker.sock'), root: '/srv' } as const;
  const toolchain = { binDir: '/toolchain/bin', pulumiHome: '/toolchain/home', parts: {} as never };
  const env = childEnvironment(exportsOf(instanceOf('dev', '/srv'), engine, toolchain));
  expect(env).toMatchObject({ DOCKER_BUILDKIT: '1', DOCKER_HOST: 'unix:///run/docker.sock', PULUMI_STACK: 'dev' });
  expect(env).not.toHaveProperty('PULUMI_CONFIG_PASSPHRASE');
});
