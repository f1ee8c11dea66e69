import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { startEmbedded } from '#platform/database/embedded/server';
import type { Result } from '../result.ts';
import type { Pace } from '../rounds.ts';
import { ServerProcess } from '../server-process.ts';
import { memoryRow } from './memory.ts';
import { messageRow } from './messages.ts';
import { operationRows } from './operation.ts';
import { PEOPLE, populate } from './people.ts';
import { rowRow } from './row.ts';
import { statementRow } from './statements.ts';

/** What the rows share. */
export interface Kernel {
  readonly pace: Pace;
  /** Of a durable server, as `fondasi serve` runs it. */
  readonly databaseUrl: string;
  readonly fondasi: ServerProcess;
  readonly fastify: ServerProcess;
  /** Starts one more process with the same settings; it is stopped at the end. */
  start<R>(name: string, file: string, settings?: Record<string, string>): Promise<ServerProcess<R>>;
}

const ROWS: Record<string, (kernel: Kernel) => Promise<Result[]>> = {
  operation: operationRows,
  row: rowRow,
  prepared: statementRow,
  messages: messageRow,
  memory: memoryRow,
};
export const rowNames = Object.keys(ROWS);

/** The kernel's figures; `chosen` are names of rows, all when it is empty. */
export async function measureKernel(pace: Pace, chosen: readonly string[], tell: (line: string) => void): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fondasi-bench-'));
  const log = { info: () => undefined, warn: tell, error: tell };
  const database = await startEmbedded({ dataDir: join(folder, 'data'), log });
  const running: ServerProcess<any>[] = [];
  const start = async <R>(name: string, file: string, settings: Record<string, string> = {}, flags: string[] = []) => {
    const shared = { DATABASE_URL: database.url, BENCH_PEOPLE: String(PEOPLE), LOG_FILE: join(folder, `${running.length}.log`) };
    const server = await ServerProcess.start<R>(name, file, { ...shared, ...settings }, flags);
    running.push(server);
    return server;
  };
  try {
    const SECRET_KEY = randomBytes(32).toString('base64url');
    const fondasi = await start<any>('Fondasi', 'kernel/fondasi-server', { SECRET_KEY }, ['--expose-gc']);
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await populate(client);
    await client.end();
    const fastify = await start<any>('Fastify', 'kernel/fastify-server');
    const kernel: Kernel = { pace, databaseUrl: database.url, fondasi, fastify, start };
    const results: Result[] = [];
    for (const [name, measure] of Object.entries(ROWS))
      if (chosen.length === 0 || chosen.includes(name)) {
        tell(`measuring: ${name}`);
        results.push(...(await measure(kernel)));
      }
    return results;
  } finally {
    for (const server of running) await server.stop();
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
