import { defineConfig } from 'vitest/config';

const conditions = ['source'];
/** As Node reads it. Vite would take the package's other half, and the two don't know each other's classes. */
const alias = [{ find: /^graphql$/, replacement: 'graphql/index.js' }];
const shared = { resolve: { conditions, alias }, ssr: { resolve: { conditions: ['source', 'module', 'node'] } } };

/** Tests of a duration that has to hold on an idle machine. */
const timed = ['src/platform/database/clone.int.spec.ts'];

export default defineConfig({
  ...shared,
  test: {
    reporters: ['default', './test/support/closing-reporter.ts'],
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          include: [
            'src/**/*.spec.ts',
            'packages/*/src/**/*.spec.ts',
            'scripts/**/*.spec.ts',
            'test/support/*.spec.ts',
            'bench/**/*.spec.ts',
          ],
          exclude: ['**/*.int.spec.ts'],
        },
      },
      {
        ...shared,
        test: {
          name: 'int',
          include: ['src/**/*.int.spec.ts'],
          exclude: timed,
          globalSetup: ['test/support/postgres.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'timed',
          include: timed,
          globalSetup: ['test/support/postgres.ts'],
          // After the others: what they leave of the processors is no measure.
          sequence: { groupOrder: 1 },
          testTimeout: 20_000,
        },
      },
      {
        ...shared,
        test: {
          name: 'e2e',
          include: ['test/**/*.e2e.spec.ts'],
          // Its dependency has a condition "source" too, which leads Node to TypeScript that it does not strip.
          server: { deps: { inline: [/@modelcontextprotocol.client/, /eventsource/] } },
          globalSetup: ['test/support/postgres.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
    coverage: { reportOnFailure: true, include: ['src/**/*.ts', 'packages/*/src/**/*.ts'], exclude: ['**/*.spec.ts'] },
  },
});
