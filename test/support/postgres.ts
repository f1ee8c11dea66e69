import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
// Vitest loads this file without the `source` condition, by which `#platform/…` would be found.
import { startEmbedded } from '../../src/platform/database/embedded/server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The superuser's URL of a PostgreSQL that lives as long as the test run: `inject('postgresUrl')`. */
    postgresUrl: string;
  }
}

/** Speed before safety: these data need not survive the machine. The fault runs have servers of their own, with all on. */
const FORGETFUL = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '128MB',
  max_connections: '200',
};

/** One server for all tests of a project's run; the returned function stops it and removes its folder. */
export default async function startServer(project: TestProject): Promise<() => Promise<void>> {
  // A run inside a run (mutated copies of the source) uses the outer one's.
  const outer = process.env.FONDASI_TEST_POSTGRES;
  if (outer !== undefined) {
    project.provide('postgresUrl', outer);
    return async () => {};
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'fondasi-test-'));
  // A pooler that runs as nobody has to reach the socket in it.
  await chmod(dataDir, 0o711);
  const log = { info: () => undefined, warn: console.warn, error: console.error };
  const server = await startEmbedded({ dataDir, log, settings: FORGETFUL });
  project.provide('postgresUrl', server.url);
  return async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
}
