import { defineConfig } from 'vitest/config';

const conditions = ['source'];
const shared = { resolve: { conditions }, ssr: { resolve: { conditions: ['source', 'module', 'node'] } } };

export default defineConfig({
  ...shared,
  test: {
    reporters: ['default', './test/support/closing-reporter.ts'],
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: ['src/**/*.spec.ts', 'scripts/**/*.spec.ts', 'test/support/*.spec.ts', 'bench/**/*.spec.ts'],
          exclude: ['**/*.int.spec.ts'],
        },
      },
      {
        ...shared,
        test: {
          name: 'int',
          include: ['src/**/*.int.spec.ts'],
          globalSetup: ['test/support/postgres.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'e2e',
          include: ['test/**/*.e2e.spec.ts'],
          globalSetup: ['test/support/postgres.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
    coverage: { include: ['src/**/*.ts'], exclude: ['src/**/*.spec.ts'] },
  },
});
