import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbedded } from '#platform/database/embedded/server';
import type { Ready } from './child.ts';
import { PEOPLE, populate } from './product/people.ts';
import type { Result } from './result.ts';
import type { Pace } from './rounds.ts';
import { ServerProcess } from './server-process.ts';

/** What every group stands on: a database with people and rooms, and processes that are stopped at the end. */
export interface TestBed {
  readonly pace: Pace;
  /** Of a durable server, as `fondasi serve` runs it. */
  readonly databaseUrl: string;
  /** Starts a process on the database; `file` is below `bench`, without `.ts`. */
  start<R = Ready>(name: string, file: string, settings?: Record<string, string>): Promise<ServerProcess<R>>;
  /** The product with one module more, as `fondasi serve` runs it in production. */
  startFondasi<R = Ready>(settings?: Record<string, string>, file?: string): Promise<ServerProcess<R>>;
}

/** A group of rows that stand on the same servers. */
export interface Group<G extends TestBed = TestBed> {
  /** Starts what the rows share. */
  readonly prepare: (bed: TestBed) => Promise<G>;
  /** The rows by their names, in the order in which they are measured. */
  readonly rows: Readonly<Record<string, (group: G) => Promise<Result[]>>>;
}

/** The group's figures; `chosen` are names of rows, all when it is empty. */
export async function measureGroup<G extends TestBed>(
  { prepare, rows }: Group<G>,
  pace: Pace,
  chosen: readonly string[],
  tell: (line: string) => void,
): Promise<Result[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fondasi-bench-'));
  const log = { info: () => undefined, warn: tell, error: tell };
  const database = await startEmbedded({ dataDir: join(folder, 'data'), log });
  const SECRET_KEY = randomBytes(32).toString('base64url');
  const running: ServerProcess<any>[] = [];
  const start = async <R>(name: string, file: string, settings: Record<string, string> = {}): Promise<ServerProcess<R>> => {
    const shared = { DATABASE_URL: database.url, BENCH_PEOPLE: String(PEOPLE), LOG_FILE: join(folder, `${running.length}.log`) };
    const server = await ServerProcess.start<R>(name, file, { ...shared, ...settings }, ['--expose-gc']);
    running.push(server);
    return server;
  };
  let populated: Promise<void> | undefined;
  const startFondasi = async <R>(settings: Record<string, string> = {}, file = 'product/fondasi-server') => {
    const server = await start<R>('Fondasi', file, {
      SECRET_KEY,
      PORT: '0',
      GRPC_PORT: 'off',
      PUBLIC_URL: 'http://localhost',
      ...settings,
    });
    // The first one has made the tables.
    await (populated ??= populateAt(database.url));
    return server;
  };
  try {
    const group = await prepare({ pace, databaseUrl: database.url, start, startFondasi });
    const results: Result[] = [];
    for (const [name, measure] of Object.entries(rows))
      if (chosen.length === 0 || chosen.includes(name)) {
        tell(`measuring: ${name}`);
        results.push(...(await measure(group)));
      }
    return results;
  } finally {
    for (const server of running) await server.stop();
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function populateAt(connectionString: string): Promise<void> {
  const client = new Client({ connectionString });
  await client.connect();
  await populate(client);
  await client.end();
}
