import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { run } from '../../host/process.ts';

interface ComposeAnswer {
  readonly values: Readonly<Record<string, string>>;
  /** Empty if Compose accepts the file. */
  readonly error: string;
}

export interface ComposeDotenv {
  read(file: Buffer): Promise<ComposeAnswer>;
  stop(): Promise<void>;
}

/** Compose's own reader of `.env` files, built into `dir`: one process for all files. */
export async function startComposeDotenv(dir: string): Promise<ComposeDotenv> {
  mkdirSync(dir, { recursive: true });
  const program = join(dir, 'compose-dotenv');
  await run(['go', 'build', '-o', program, '.'], { cwd: join(import.meta.dirname, 'compose-dotenv') });
  const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    async read(file) {
      child.stdin.write(`${file.toString('base64')}\n`);
      const { value, done } = await answers.next();
      if (done === true) throw new Error('compose-dotenv ended before it answered');
      return JSON.parse(value) as ComposeAnswer;
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
