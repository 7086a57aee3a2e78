import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { gatewayBuild } from '../../components/services/gateway.ts';
import { tarArchive } from '../../docker/archive.ts';
import { contextFiles } from '../../docker/build-context.ts';
import { build } from '../../docker/engine-api.ts';
import type { Settings } from '../../settings/load.ts';

const mostLines = 40;

/** The fields of BuildKit's progress that are read; source: api/services/control/control.proto of moby/buildkit. */
const progress = protobuf
  .parse(
    `syntax = "proto3";
    message StatusResponse { repeated Vertex vertexes = 1; repeated VertexLog logs = 3; }
    message Vertex { string digest = 1; string error = 7; }
    message VertexLog { string vertex = 1; bytes msg = 4; }`,
  )
  .root.lookupType('StatusResponse');

interface StatusResponse {
  readonly vertexes: readonly { readonly digest: string; readonly error: string }[];
  readonly logs: readonly { readonly vertex: string; readonly msg: Buffer }[];
}

/**
 * Output of the failed step of the gateway's build. Pulumi's provider discards it: the build runs again, with the
 * engine's cache.
 * @returns its last lines; empty if no step fails, or if the engine is not on a Unix socket of this host
 */
export async function failedBuildOutput(dockerHost: string, settings: Settings): Promise<string> {
  if (!dockerHost.startsWith('unix://')) return '';
  const { dockerfile, buildArgs } = gatewayBuild(settings);
  const options = { dockerfile, buildargs: JSON.stringify(buildArgs) };
  const context = await tarArchive(
    contextFiles(settings.checkoutDir, dockerfile).map((name) => {
      const path = join(settings.checkoutDir, name);
      return { name, mode: statSync(path).mode & 0o777, content: readFileSync(path) };
    }),
  );
  return failedStepOutput(await build(dockerHost.slice('unix://'.length), options, context));
}

/** The last lines of the failed step, from the engine's answer to a build. */
export function failedStepOutput(answer: string): string {
  const records = answer
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { readonly id?: string; readonly aux?: unknown })
    .filter(({ id }) => id === 'moby.buildkit.trace')
    .map(({ aux }) => progress.decode(Buffer.from(aux as string, 'base64')) as unknown as StatusResponse);
  const failed = records.flatMap(({ vertexes }) => vertexes).find(({ error }) => error !== '');
  const logs = records.flatMap(({ logs }) => logs).filter(({ vertex }) => vertex === failed?.digest);
  const text = Buffer.concat(logs.map(({ msg }) => msg)).toString();
  return text.trimEnd().split('\n').slice(-mostLines).join('\n');
}
