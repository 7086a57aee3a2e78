/** How long-running work reports its progress; `terminalProgress` prints it. */
export interface Progress {
  /** A step begins. */
  step(text: string): void;
  /** The step is still running: called often, shown at most every 5 s on a terminal and every 30 s in a log. */
  tick(text: string): void;
  /** The step succeeded. */
  done(text: string): void;
}

export interface OutputStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Progress lines on stderr: plain text, one line per step and per shown tick. */
export function terminalProgress(stream: OutputStream = process.stderr, now: () => number = Date.now): Progress {
  const tickIntervalMs = stream.isTTY ? 5_000 : 30_000;
  let startedMs = now();
  let tickedMs = startedMs;
  const seconds = () => Math.round((now() - startedMs) / 1000);
  return {
    step(text) {
      startedMs = now();
      tickedMs = startedMs;
      stream.write(`${text}\n`);
    },
    tick(text) {
      if (now() - tickedMs < tickIntervalMs) return;
      tickedMs = now();
      stream.write(`  ${text} (${seconds()} s)\n`);
    },
    done(text) {
      stream.write(`${text} (${seconds()} s)\n`);
    },
  };
}

/** Rows as aligned columns, without trailing blanks. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** One line of the verb's result on stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One line about the work on stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
