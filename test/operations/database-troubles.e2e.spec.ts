import { Client } from 'pg';
import { afterEach, expect, test, vi } from 'vitest';
import type { DatabaseOptions } from '#platform/database/options';
import { schemasOf } from '../../src/app.ts';
import { modules } from '../../src/app.module.ts';
import { type RunningApp, startApp } from '../support/app.ts';
import { type FreshDatabase, freshDatabase, rowsOf, runOn } from '../support/database.ts';
import { newPerson, type Person, type Reply } from '../support/person.ts';
import { expectNothingInternal } from '../support/wire.ts';

let app: RunningApp;
let database: FreshDatabase;
let ann: Person;

/** The product on a database that gives up early: the defaults would take as long as they say. */
async function start(impatience: Partial<DatabaseOptions>): Promise<void> {
  database = await freshDatabase(schemasOf(modules), impatience);
  app = await startApp({ database });
  ann = await newPerson(app, 'Ann');
}
afterEach(async () => {
  await app.close();
  await database.drop();
});

/** Keeps everybody from writing to people while `work` runs. */
async function whilePeopleAreLocked(work: () => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  await client.query('begin; lock table users.person in share row exclusive mode');
  try {
    await work();
  } finally {
    await client.query('commit');
    await client.end();
  }
}

const rename = (name: string) => ann.patch('/users/me', { name });

function expectUnavailable({ status, headers, body }: Reply): void {
  expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'platform/unavailable', '1']);
  expect(Object.keys(body).sort()).toEqual(['code', 'detail', 'requestId', 'status', 'title', 'type']);
  expectNothingInternal({ text: JSON.stringify(body) });
}

/** The operator reads what the client doesn't. */
const expectLogged = (cause: string) => vi.waitFor(() => expect(app.logged()).toContain(cause), { timeout: 3_000 });

test('a lock that takes too long', async () => {
  await start({ lockTimeout: 200 });
  await whilePeopleAreLocked(async () => expectUnavailable(await rename('Late')));
  await expectLogged('lock timeout');
  expect((await rename('In time')).body.name).toBe('In time');
});

test('a statement that takes too long', async () => {
  await start({ statementTimeout: 200 });
  await whilePeopleAreLocked(async () => expectUnavailable(await rename('Late')));
  await expectLogged('statement timeout');
  expect((await rename('In time')).status).toBe(200);
});

test('no connection left in time; whoever has one goes on', async () => {
  // Longer than a module keeps what another one could use.
  await start({ connections: 2, acquireTimeout: 1_500 });
  let writes!: Promise<Reply[]>;
  await whilePeopleAreLocked(async () => {
    writes = Promise.all([rename('One'), rename('Two')]);
    await vi.waitFor(async () =>
      expect(
        await rowsOf(
          database.url,
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        ),
      ).toHaveLength(2),
    );
    expectUnavailable(await ann.get('/users/me'));
  });
  expect((await writes).map(({ status }) => status)).toEqual([200, 200]);
  await expectLogged('were in use for 1500 ms');
  expect((await ann.get('/users/me')).status).toBe(200);
});

test('a connection that is lost in the middle, and every idle one with it', async () => {
  await start({});
  let write!: Promise<Reply>;
  await whilePeopleAreLocked(async () => {
    write = rename('Lost');
    await vi.waitFor(async () =>
      expect(
        await rowsOf(
          database.url,
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
        ),
      ).toHaveLength(1),
    );
    await runOn(
      database.url,
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename like 'users\\_%'`,
    );
    expectUnavailable(await write);
  });
  expect((await ann.get('/users/me')).body.name).toBe('Ann');
});
