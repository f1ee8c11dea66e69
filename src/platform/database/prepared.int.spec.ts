import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshDatabase, moduleWith, runOn } from '../../../test/support/database.ts';
import type { FreshDatabase } from '../../../test/support/database.ts';
import { onEveryServer } from '../../../test/support/servers.ts';
import type { Database } from './database.ts';
import { SchemaChanged } from './errors.ts';
import { prepared, preparedSql } from './prepared.ts';

interface Row {
  id: number;
  text: string;
  at: string;
  size: string;
}
interface Tables {
  'notes.note': Row;
}

const find = prepared<Tables, { id: number; text: string }, Row>('notes.find', (db, p) =>
  db
    .selectFrom('notes.note')
    .selectAll()
    .where((where) => where.or([where('id', '=', p('id')), where('text', '=', p('text')), where('id', '=', p('id'))]))
    .where('text', '!=', 'never')
    .orderBy('id'),
);
const count = prepared<Tables, { least: number }, { count: string }>('notes.count', (db, p) =>
  db
    .selectFrom('notes.note')
    .select((select) => select.fn.countAll<string>().as('count'))
    .where('id', '>=', p('least')),
);
const add = preparedSql<Tables, { ids: number[]; texts: string[] }, { id: number }>(
  'notes.add',
  'insert into notes.note (id, text) select * from unnest($1::int[], $2::text[]) returning id',
  ['ids', 'texts'],
);

const onEveryConnection = (notes: Database<Tables>) =>
  Promise.all(Array.from({ length: 12 }, () => find(notes, { id: 1, text: '' })));

test('is compiled once, with its parameters in order and one used twice', () => {
  expect(find.sql).toBe(
    'select * from "notes"."note" where ("id" = $1 or "text" = $2 or "id" = $3) and "text" != $4 order by "id"',
  );
});

test('refuses a second statement under the same name, and a name that PostgreSQL would cut', () => {
  expect(() => preparedSql('notes.add', 'select 1', [])).toThrow('Two different statements are called "notes.add"');
  expect(() => preparedSql(`notes.${'x'.repeat(60)}`, 'select 1', [])).toThrow(/is no name for a prepared statement/);
});

await onEveryServer((server) => {
  let fresh: FreshDatabase;
  let notes: Database<Tables>;

  beforeAll(async () => {
    const module = await moduleWith('notes', {
      '0001_note.sql': `create table note (id int primary key, text text not null, at timestamptz not null default '2026-11-20 10:00+01', size bigint not null default 9007199254740993);`,
    });
    fresh = await freshDatabase([module], { connections: 4 }, server);
    notes = fresh.databases.of<Tables>('notes');
    await add(notes, { ids: [1, 2, 3], texts: ['one', 'two', 'three'] });
  });
  afterAll(() => fresh.drop());

  test('answers on the pool and in a transaction, in the types of the wire', async () => {
    const two = { id: 2, text: 'two', at: '2026-11-20T09:00:00.000Z', size: '9007199254740993' };
    expect(await find(notes, { id: 2, text: '' })).toEqual([two]);
    expect((await find(notes, { id: 2, text: 'one' })).map(({ id }) => id)).toEqual([1, 2]);
    await notes.transaction(async (tx) => {
      await add(tx, { ids: [4], texts: ['four'] });
      expect(await find.first(tx, { id: 4, text: '' })).toMatchObject({ text: 'four' });
      expect(await find.first(notes, { id: 4, text: '' })).toBeUndefined();
    });
    expect(await find.first(notes, { id: 4, text: '' })).toMatchObject({ text: 'four' });
    await expect(find.one(notes, { id: 99, text: '' })).rejects.toThrow('"notes.find" gave 0 rows');
    expect(await add.changes(notes, { ids: [5, 6], texts: ['five', 'six'] })).toBe(2);
  });

  test('is parsed once per connection', async () => {
    const connection = await notes.pool.acquire();
    notes.pool.release(connection);
    for (let round = 0; round < 5; round++) await count(notes, { least: 0 });
    const own = await notes.pool.acquire();
    const { rows } = await own.query<{ calls: string }>({
      text: `select generic_plans + custom_plans as calls from pg_prepared_statements where name like 'notes.count%'`,
    });
    notes.pool.release(own);
    expect(rows).toHaveLength(1);
    expect(Number(rows[0]!.calls)).toBeGreaterThanOrEqual(5);
  });

  describe('across a migration', () => {
    test('that adds a column: one silent retry outside a transaction', async () => {
      await onEveryConnection(notes);
      await runOn(fresh.url, 'alter table notes.note add column colour text');
      for (const [row] of await onEveryConnection(notes)) expect(row).toMatchObject({ text: 'one', colour: null });
    });

    test('that changes a type: the same', async () => {
      await onEveryConnection(notes);
      await runOn(fresh.url, 'alter table notes.note alter column size type numeric');
      for (const [row] of await onEveryConnection(notes)) expect(row).toMatchObject({ text: 'one' });
    });

    test('inside a transaction says that it is lost; the next one works', async () => {
      await onEveryConnection(notes);
      await runOn(fresh.url, 'alter table notes.note add column shape text');
      const lost = notes.transaction((tx) => find(tx, { id: 1, text: '' }));
      await expect(lost).rejects.toThrow(SchemaChanged);
      const again = await notes.transaction((tx) => find(tx, { id: 1, text: '' }));
      expect(again).toMatchObject([{ text: 'one', shape: null }]);
    });

    test('with explicit columns nothing happens at all', async () => {
      expect(await count(notes, { least: 0 })).toHaveLength(1);
      await runOn(fresh.url, 'alter table notes.note add column weight int');
      await notes.transaction(async (tx) => expect(await count(tx, { least: 0 })).toHaveLength(1));
    });
  });
});
