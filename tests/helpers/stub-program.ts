import { chmodSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { vi } from 'vitest';
import { temporaryDir, writeFiles } from './temporary.ts';

/** Replaces a program by a shell script for the length of a test. */
export function stubProgram(name: string, script: string): void {
  const dir = temporaryDir();
  writeFiles(dir, { [name]: `#!/bin/sh\n${script}\n` });
  chmodSync(join(dir, name), 0o755);
  vi.stubEnv('PATH', `${dir}${delimiter}${process.env.PATH}`);
}
