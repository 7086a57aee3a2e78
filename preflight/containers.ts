import { run } from '../cli/process.ts';

/** A running container, as far as checks need it. */
export interface RunningContainer {
  readonly name: string;
  /** Compose project of the container; empty where it has none. */
  readonly project: string;
  /** TCP ports on the host. */
  readonly published: readonly { readonly ip: string; readonly port: number }[];
}

interface PsLine {
  readonly Names: string;
  readonly Ports: string;
  readonly Labels: string;
}

/** All running containers of the daemon. */
export async function runningContainers(dockerHost: string): Promise<readonly RunningContainer[]> {
  const { stdout } = await run(['docker', '--host', dockerHost, 'ps', '--no-trunc', '--format', '{{json .}}'], {
    timeoutMs: 10_000,
  });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parsePsLine(JSON.parse(line) as PsLine));
}

/** One line of `docker ps --format '{{json .}}'`. */
export function parsePsLine(line: PsLine): RunningContainer {
  const project = line.Labels.split(',')
    .find((label) => label.startsWith('com.docker.compose.project='))
    ?.slice('com.docker.compose.project='.length);
  const published = line.Ports.split(', ').flatMap((text) => {
    const match = /^\[?([0-9a-f.:]+?)\]?:(\d+)(?:-(\d+))?->.*\/tcp$/.exec(text);
    if (match === null) return [];
    const [, ip = '', first = '', last = first] = match;
    // Docker shows neighbouring ports as one range.
    const count = Number(last) - Number(first) + 1;
    return Array.from({ length: count }, (_, index) => ({ ip, port: Number(first) + index }));
  });
  return { name: line.Names, project: project ?? '', published };
}
