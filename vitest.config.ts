import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Pulumi's mocks are global to a process: every file gets its own.
    pool: 'forks',
    unstubEnvs: true,
    restoreMocks: true,
    coverage: {
      provider: 'v8',
      include: ['{host,settings,instance,docker,bootstrap,components,preflight,cli}/**/*.ts'],
      reporter: ['text-summary'],
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['tests/unit/**/*.test.ts'],
          setupFiles: ['tests/helpers/no-console.ts'],
          // Some tests start programs, and the machine may be busy.
          testTimeout: 30_000,
        },
      },
      ...Object.entries({ engine: 10, smoke: 10, workflows: 15, faults: 12, soak: 65 }).map(([name, minutes]) => ({
        extends: true as const,
        test: {
          name,
          // One workflow run belongs to the smoke suite too.
          include: [`tests/${name}/**/*.test.ts`, ...(name === 'smoke' ? ['tests/workflows/deploy-push.test.ts'] : [])],
          // The files share one daemon and its ports.
          fileParallelism: false,
          testTimeout: minutes * 60_000,
          hookTimeout: 900_000,
        },
      })),
    ],
  },
});
