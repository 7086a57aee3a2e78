import * as pulumi from '@pulumi/pulumi';
import { MockMonitor } from '@pulumi/pulumi/runtime/mocks.js';

/** A registration that the program requested of the engine. */
export interface Registration {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  // biome-ignore lint/suspicious/noExplicitAny: inputs differ from type to type.
  readonly inputs: any;
  readonly isProtected: boolean;
  readonly isRetainedOnDelete: boolean;
  readonly isDeletedBeforeReplace: boolean;
  readonly replaceOnChanges: readonly string[];
  readonly dependencies: readonly string[];
  /** The request as it goes over the wire, without the place in the source that it came from. */
  readonly wire: string;
}

/** Outputs of the resource types that the program uses, from their inputs; another type is an error. */
const outputsOf: Readonly<Record<string, (inputs: Readonly<Record<string, unknown>>) => Record<string, unknown>>> = {
  'command:local:Command': () => ({ stdout: '', stderr: '' }),
  'docker:index/container:Container': () => ({}),
  'docker:index/network:Network': () => ({}),
  'docker:index/remoteImage:RemoteImage': ({ name }) => ({ imageId: `sha256 of ${name}` }),
  'docker:index/volume:Volume': () => ({}),
};

const mocks: pulumi.runtime.Mocks = {
  newResource({ type, name, inputs, custom }) {
    if (custom !== true) return { id: undefined, state: {} };
    const outputs = outputsOf[type];
    if (outputs === undefined) throw new Error(`no mock of ${type} (${name})`);
    return { id: `id-of-${name}`, state: { ...inputs, ...outputs(inputs) } };
  },
  call({ token }) {
    throw new Error(`no mock of the function ${token}`);
  },
};

let registrations: Registration[] = [];
let outputs: string[] = [];

class RecordingMonitor extends MockMonitor {
  // biome-ignore lint/suspicious/noExplicitAny: as in the class that it extends.
  override registerResource(request: any, callback: (error: any, response: any) => void): Promise<void> {
    return super.registerResource(request, (error, response) => {
      if (error === null) registrations.push(toRegistration(request, response.getUrn()));
      callback(error, response);
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: as in the class that it extends.
  override registerResourceOutputs(request: any, callback: (error: any, response: any) => void): void {
    outputs.push(JSON.stringify(request.toObject()));
    super.registerResourceOutputs(request, callback);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: Pulumi does not type its requests here.
function toRegistration(request: any, urn: string): Registration {
  const { stacktrace, sourceposition, ...wire } = request.toObject();
  return {
    urn,
    type: request.getType(),
    name: request.getName(),
    parent: request.getParent(),
    inputs: pulumi.runtime.deserializeProperties(request.getObject()),
    isProtected: request.getProtect(),
    isRetainedOnDelete: request.getRetainondelete(),
    isDeletedBeforeReplace: request.getDeletebeforereplace(),
    replaceOnChanges: request.getReplaceonchangesList(),
    dependencies: request.getDependenciesList(),
    wire: JSON.stringify(wire),
  };
}

/** All that one run of a program registered, by name, and what it returned. */
export interface ProgramRun<T> {
  readonly result: T;
  readonly registrations: readonly Registration[];
  /** Outputs of the components, as they go over the wire. */
  readonly outputs: readonly string[];
}

/** Runs a program against mocks; a resource type or function without a mock is an error. */
export async function runProgram<T>(program: () => T): Promise<ProgramRun<T>> {
  [registrations, outputs] = [[], []];
  await pulumi.runtime.setMocks(mocks, 'taxlien-gateway', 'dev');
  pulumi.runtime.setMockOptions(new RecordingMonitor(mocks), 'taxlien-gateway', 'dev');
  const { stackTraceLimit } = Error;
  // Pulumi keeps a stack trace of every promise: three quarters of a run's time.
  Error.stackTraceLimit = 0;
  let result: T;
  try {
    result = program();
    await pulumi.runtime.disconnect();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  const byName = registrations.toSorted((a, b) => (`${a.name} ${a.type}` < `${b.name} ${b.type}` ? -1 : 1));
  return { result, registrations: byName, outputs: outputs.toSorted() };
}

/** The one registration of a type and name. */
export function registrationOf(run: ProgramRun<unknown>, type: string, name: string): Registration {
  const found = run.registrations.filter((entry) => entry.type === type && entry.name === name);
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} registrations of ${type} ${name}`);
  return found[0];
}

/** `<type> <name>` of what is in only one of the runs or has other inputs in the second. */
export function changesBetween(before: ProgramRun<unknown>, after: ProgramRun<unknown>): readonly string[] {
  const label = ({ type, name }: Registration) => `${type.split(':').at(-1)} ${name}`;
  const inputsOf = (run: ProgramRun<unknown>) =>
    new Map(run.registrations.map((entry) => [label(entry), JSON.stringify(entry.inputs)]));
  const [old, now] = [inputsOf(before), inputsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((key) => old.get(key) !== now.get(key)).toSorted();
}
