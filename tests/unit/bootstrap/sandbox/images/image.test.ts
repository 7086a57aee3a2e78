import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';
import { expect, test } from 'vitest';
import { imageArchive, imageOf } from '../../../../../bootstrap/sandbox/images/image.ts';
import type { Layer } from '../../../../../bootstrap/sandbox/images/layers.ts';
import { temporaryDir, writeFiles } from '../../../../helpers/temporary.ts';

function layer(dir: string, name: string): Layer {
  writeFiles(dir, { [name]: name });
  return { name, file: join(dir, name), diffId: `sha256:${name}`, version: `${name} 1` };
}

test("an image's id is the hash of its settings and layers, and its label names the version in the last layer", () => {
  const dir = temporaryDir();
  const image = imageOf('redis:7', { User: '999', Env: ['A=b'] }, [layer(dir, 'base'), layer(dir, 'redis')]);
  expect(image.id).toBe(`sha256:${createHash('sha256').update(image.config).digest('hex')}`);
  expect(JSON.parse(image.config)).toMatchObject({
    architecture: 'amd64',
    os: 'linux',
    config: {
      User: '999',
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'A=b'],
      Labels: { 'taxlien-gateway.stand-in': 'redis 1' },
    },
    rootfs: { type: 'layers', diff_ids: ['sha256:base', 'sha256:redis'] },
  });
});

test('an archive holds each layer once and names all images', async () => {
  const dir = temporaryDir();
  const base = layer(dir, 'base');
  const images = ['a', 'b'].map((name) => imageOf(`${name}:1`, {}, [base, layer(dir, name)]));
  const entries = new Map<string, string>();
  for await (const entry of imageArchive(images).pipe(tar.extract())) {
    entries.set(entry.header.name, (await buffer(entry)).toString());
  }
  const configs = images.map((image) => `${image.id.slice(7)}.json`);
  expect([...entries.keys()]).toEqual([...configs, 'base.tar', 'a.tar', 'b.tar', 'manifest.json']);
  expect(entries.get('b.tar')).toBe('b');
  expect(JSON.parse(entries.get('manifest.json') ?? '')).toEqual([
    { Config: configs[0], RepoTags: ['a:1'], Layers: ['base.tar', 'a.tar'] },
    { Config: configs[1], RepoTags: ['b:1'], Layers: ['base.tar', 'b.tar'] },
  ]);
});
