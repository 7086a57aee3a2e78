import { beforeEach, vi } from 'vitest';

// What a test prints by console is noise at best: the printer is host/output.ts.
beforeEach(() => {
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...args: unknown[]) => {
      throw new Error(`console.${method} in a test: ${args.join(' ')}`);
    });
  }
});
