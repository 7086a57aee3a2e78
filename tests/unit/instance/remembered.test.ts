import { expect, test } from 'vitest';
import { UserError } from '../../../host/errors.ts';
import { readAdoption } from '../../../instance/adoption-journal.ts';
import { markerFile, readMarker } from '../../../instance/data-markers.ts';
import { readLastEngine } from '../../../instance/last-engine.ts';
import { readMove } from '../../../instance/move-journal.ts';
import { readRotation } from '../../../instance/rotation-journal.ts';
import { secretGenerations } from '../../../instance/secret-files.ts';
import type { Instance } from '../../../settings/instance.ts';
import { testInstance, testSecrets } from '../../helpers/instance.ts';
import { writeFiles } from '../../helpers/temporary.ts';

/** Every file in which an instance remembers something, and how it is read. */
const readers: Readonly<
  Record<string, { path: (instance: Instance) => string; read: (instance: Instance) => unknown }>
> = {
  engine: { path: ({ engineFile }) => engineFile, read: readLastEngine },
  rotation: { path: ({ rotationFile }) => rotationFile, read: readRotation },
  move: { path: ({ moveFile }) => moveFile, read: readMove },
  adoption: { path: ({ adoptionFile }) => adoptionFile, read: readAdoption },
  marker: { path: (instance) => markerFile(instance, 'raw'), read: (instance) => readMarker(instance, 'raw') },
  secrets: {
    path: ({ appliedSecretsFile }) => appliedSecretsFile,
    read: (instance) => secretGenerations(instance, testSecrets),
  },
};

function failure(work: () => unknown): UserError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

test.each(Object.keys(readers))(
  '%s: a file that is not there is no error; a damaged one is named, with its fix',
  (name) => {
    const reader = readers[name];
    if (reader === undefined) throw new TypeError(name);
    const instance = testInstance();
    expect(failure(() => reader.read(instance))).toBeUndefined();
    const path = reader.path(instance);
    for (const text of ['', '{"cut o', '[]', '{"phase":"unknown"}']) {
      writeFiles('/', { [path]: text });
      const error = failure(() => reader.read(instance));
      expect(error?.code, text).toBe('E_DAMAGED_FILE');
      expect(error?.message).toContain(path);
      expect(error?.fix).toContain(path);
    }
  },
);
