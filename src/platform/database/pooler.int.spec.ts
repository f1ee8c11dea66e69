import type { Generated } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { emptyDatabase, moduleWith, secret } from '../../../test/support/database.ts';
import { pgbouncerMissing, startPgbouncer } from '../../../test/support/pgbouncer.ts';
import { leftOut } from '../../../test/support/servers.ts';
import { Databases } from './databases.ts';
import type { Database } from './database.ts';
import { migrateAll } from './migrations.ts';
import { runtimeLogin } from './options.ts';
import { prepared } from './prepared.ts';

interface Tables {
  'notes.note': { id: number; at: Generated<string> };
}
const find = prepared<Tables, { id: number }, { id: number; at: string }>('notes.find', (db, p) =>
  db.selectFrom('notes.note').select(['id', 'at']).where('id', '=', p('id')),
);
const missing = pgbouncerMissing();

describe.skipIf(leftOut('PgBouncer', missing))(
  `behind PgBouncer in transaction mode ${missing ? `[left out: ${missing}]` : ''}`,
  () => {
    let empty: Awaited<ReturnType<typeof emptyDatabase>>;
    let pooler: Awaited<ReturnType<typeof startPgbouncer>>;
    let databases: Databases;
    let notes: Database<Tables>;

    beforeAll(async () => {
      empty = await emptyDatabase();
      const module = await moduleWith('notes', {
        '0001_note.sql': `create table note (id int primary key, at timestamptz not null default '2026-11-20 10:00+01');`,
      });
      await migrateAll({ database: { url: empty.url, secret }, modules: [module] });
      const login = runtimeLogin({ url: empty.url, secret }, 'notes');
      pooler = await startPgbouncer(inject('postgresUrl'), { [login.user!]: login.password as string });
      const url = `${pooler.url}/${login.database}`;
      databases = new Databases({ url, directUrl: empty.url, pooler: 'transaction', secret, connections: 16 });
      notes = databases.of<Tables>('notes');
      await notes.kysely
        .insertInto('notes.note')
        .values(Array.from({ length: 50 }, (_, id) => ({ id })))
        .execute();
    });
    afterAll(async () => {
      await databases.close();
      await pooler.stop();
      await empty.drop();
    });

    test('prepared statements work from many clients on few connections, and stay unnamed', async () => {
      const single = (id: number) => find.one(notes, { id });
      const inTransaction = (id: number) =>
        notes.transaction(async (tx) => [await find.one(tx, { id }), await find.one(tx, { id })][1]!);
      const found = await Promise.all(
        Array.from({ length: 200 }, (_, index) => (index % 2 ? single : inTransaction)(index % 50)),
      );
      expect(found.map(({ id }) => id)).toEqual(Array.from({ length: 200 }, (_, index) => index % 50));
      expect(databases.figures().open).toBeGreaterThan(2);
      const connection = await notes.pool.acquire();
      const { rows } = await connection.query({ text: 'select count(*)::int as named from pg_prepared_statements' });
      notes.pool.release(connection);
      expect(rows).toEqual([{ named: 0 }]);
    });

    test("the role's own settings hold there", async () => {
      const connection = await notes.pool.acquire();
      const { rows } = await connection.query({
        text: `select current_setting('statement_timeout') as statement, current_setting('idle_in_transaction_session_timeout') as idle`,
      });
      notes.pool.release(connection);
      expect(rows).toEqual([{ statement: '30s', idle: '15s' }]);
      expect(await find.one(notes, { id: 1 })).toEqual({ id: 1, at: '2026-11-20T09:00:00.000Z' });
    });
  },
);
