import type { Client } from 'pg';
import { StartError } from '#platform/start-error';
import { readMakings, readSequences, readTables, steady } from './catalog.ts';
import type { Sequence, Table } from './catalog.ts';
import { copyRows, type Content } from './rows.ts';

/** The format's number: a reader refuses one that it doesn't know. */
export const FORMAT = 1;

/** The first line of an export. */
export type Manifest = {
  fondasi: number;
  version: string;
  at: string;
  server: string;
  tables: Table[];
  makings: string[];
  key?: string | undefined;
};

/** The last line. */
export type Closing = { sequences: Sequence[]; end: true };

export type Progress = (table: string, content: Content) => void;

/**
 * All data as text: a line that says what there is; for every table a line with its name, its rows as COPY writes them, `\.`,
 * and a line with their number and checksum; a last line with the sequences, so that a shortened file is seen. One snapshot, constant memory.
 */
export async function* dump(client: Client, version: string, progress: Progress, key?: string): AsyncGenerator<Buffer> {
  await steady(client);
  await client.query('begin isolation level repeatable read read only');
  await refuseLargeObjects(client);
  const { rows } = await client.query<{ server: string; at: string }>(
    `select current_setting('server_version') as server, to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as at`,
  );
  const tables = await readTables(client);
  const manifest: Manifest = { fondasi: FORMAT, version, ...rows[0]!, tables, makings: await readMakings(client), key };
  yield line(manifest);
  for (const table of tables) {
    yield line({ table: table.name });
    const content = yield* copyRows(client, table);
    yield Buffer.from('\\.\n');
    yield line(content);
    progress(table.name, content);
  }
  // Sequences stand outside of snapshots: read last, they are never behind a row.
  yield line({ sequences: await readSequences(client), end: true });
  await client.query('commit');
}

const line = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`);

async function refuseLargeObjects(client: Client): Promise<void> {
  const { rowCount } = await client.query('select from pg_largeobject_metadata limit 1');
  if (rowCount)
    throw new StartError('The database holds large objects, which an export leaves out: remove them with lo_unlink first.');
}
