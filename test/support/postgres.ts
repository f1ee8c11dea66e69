import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

/** The server that integration tests make their databases on. */
export default function setup(project: TestProject): void {
  project.provide(
    'postgresUrl',
    process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres',
  );
}
