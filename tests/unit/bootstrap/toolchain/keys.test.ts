import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toolchainKeys } from '../../../../bootstrap/toolchain/keys.ts';
import { platformOf } from '../../../../bootstrap/toolchain/parts.ts';
import { workTree } from '../../../helpers/engine.ts';
import { temporaryDir } from '../../../helpers/temporary.ts';

test('official and built toolchains have different keys; a platform changes both, a Go module only the built one', () => {
  const linux = platformOf('linux', 'x64');
  const root = temporaryDir();
  const modules = join(workTree, 'bootstrap/toolchain');
  cpSync(modules, root, { recursive: true });
  const keys = toolchainKeys(root, linux);
  expect(keys).toEqual({
    official: 'pulumi-3.259.0-docker-5.2.0-command-1.2.1-linux-amd64-official',
    built: expect.stringMatching(/^pulumi-3\.259\.0-docker-5\.2\.0-command-1\.2\.1-linux-amd64-built-[0-9a-f]{12}$/),
  });
  expect(toolchainKeys(modules, linux)).toEqual(keys);
  const mac = toolchainKeys(root, platformOf('darwin', 'arm64'));
  expect(mac.official).not.toBe(keys.official);
  expect(mac.built).not.toBe(keys.built);
  mkdirSync(join(root, 'resource-docker', 'sub'));
  writeFileSync(join(root, 'resource-docker', 'sub', 'new.go'), 'package sub\n');
  const changed = toolchainKeys(root, linux);
  expect(changed.official).toBe(keys.official);
  expect(changed.built).not.toBe(keys.built);
});
