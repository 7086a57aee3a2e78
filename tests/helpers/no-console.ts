import { beforeEach, vi } from 'vitest';

// Only host/output.ts prints.
beforeEach(() => {
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...args: unknown[]) => {
      throw new Error(`console.${method} in a test: ${args.join(' ')}`);
    });
  }
});
