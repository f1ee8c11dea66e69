import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Pool } from 'pg';
import { claim } from '../../src/platform/database/embedded/claim.ts';
import { startEmbedded } from '../../src/platform/database/embedded/server.ts';

/** `POST /<id>` inserts a row and answers 201 when it is committed; `GET /` lists the ids. */
async function main(): Promise<void> {
  const log = { info: console.error, warn: console.error, error: console.error };
  const server = await startEmbedded({ dataDir: process.env.DATA_DIR!, log });
  const mark = await claim(server.url).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const pool = new Pool({ connectionString: server.url, max: 8, connectionTimeoutMillis: 5000 });
  pool.on('error', () => undefined); // idle connections end with the server; the next request makes new ones
  await pool.query('create table if not exists entry (id text primary key, body text not null)');
  const http = createServer((request, response) => {
    answer(pool, request, response).catch((error: Error) => response.writeHead(503).end(error.message));
  });
  http.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${(http.address() as AddressInfo).port}`));
  process.once('SIGTERM', async () => {
    http.closeAllConnections();
    http.close();
    await pool.end();
    await mark.release();
    await server.stop();
  });
}

async function answer(pool: Pool, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'POST') {
    await pool.query('insert into entry (id, body) values ($1, $2)', [request.url!.slice(1), await text(request)]);
    response.writeHead(201).end();
  } else {
    const { rows } = await pool.query<{ id: string }>('select id from entry');
    response.writeHead(200).end(rows.map(({ id }) => id).join('\n'));
  }
}

main().catch((error: Error) => {
  console.error(error.name === 'StartError' ? error.message : error.stack);
  process.exitCode = 1;
});
