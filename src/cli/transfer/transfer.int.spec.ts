import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { StartError } from '#platform/start-error';
import { exportTo } from '../export.ts';
import { importFrom } from '../import.ts';

/** Another major version beside the embedded one: CI has Debian's 15 on the standard port. */
const OLDER = process.env.POSTGRES_15_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';

const SCHEMA = `
  create schema shop;
  create type shop.state as enum ('open', 'closed');
  create function shop.note() returns trigger language plpgsql as $$ begin raise exception 'fired'; end $$;
  create table shop.customer (
    id int generated always as identity primary key, name text not null, lower_name text generated always as (lower(name)) stored,
    friend int references shop.customer, state shop.state, tags text[], doc jsonb, raw bytea, at timestamptz, amount numeric(20, 8),
    ratio float8, span interval, "odd ""name" text
  );
  create table shop."Order" (id bigserial primary key, customer int not null references shop.customer);
  alter table shop.customer add last_order bigint references shop."Order" deferrable;
  create table shop.event (at date not null, body text) partition by range (at);
  create table shop.event_first partition of shop.event for values from ('2026-01-01') to ('2026-02-01');
  create table shop.setting (key text primary key, value text);
  insert into shop.setting values ('made by', 'a migration');
  create trigger note before insert on shop."Order" for each row execute function shop.note();
`;

const DATA = `
  alter table shop."Order" disable trigger note;
  insert into shop.customer (name, state, tags, doc, raw, at, amount, ratio, span, "odd ""name")
    select 'N' || n, 'open', array['a', null, 'b"c'], jsonb_build_object('n', n), decode('00ff5c', 'hex'),
           timestamptz '2026-01-01 00:00:00.123456+00' + n * interval '1 second', n / 3.0, n / 7.0, interval '1 month 2 days', E'tab\\tline\\nback\\\\slash'
      from generate_series(1, 5000) n;
  insert into shop.customer (name, doc, ratio) values (E'\\\\.', null, 'NaN'), ('', '{}', '-Infinity');
  update shop.customer set friend = id + 1 where id < 4000;
  insert into shop."Order" (customer) select id from shop.customer where id <= 1000;
  update shop.customer set last_order = 7 where id = 7;
  alter table shop."Order" enable trigger note;
  create table shop.event_later partition of shop.event for values from ('2026-02-01') to ('2026-03-01');
  insert into shop.event select date '2026-01-15' + n % 30, 'e' || n from generate_series(1, 3000) n;
  update shop.setting set value = 'changed';
`;

let folder: string;
const made: { server: string; name: string }[] = [];
const roles: string[] = [];

beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'fondasi-transfer-'))));
afterAll(async () => {
  for (const { server, name } of made) await ask(server, `drop database ${name} with (force)`);
  for (const role of roles) await ask(inject('postgresUrl'), `drop role ${role}`);
  await rm(folder, { recursive: true, force: true });
});

async function ask<T extends object>(url: string, sql: string): Promise<T[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function newDatabase(server: string, sql = ''): Promise<string> {
  const name = `transfer_${randomUUID().replaceAll('-', '')}`;
  await ask(server, `create database ${name} template template0 encoding 'UTF8'`);
  made.push({ server, name });
  const url = new URL(server);
  url.pathname = `/${name}`;
  if (sql) await ask(url.href, sql);
  return url.href;
}

const migrate = (url: string) => async (): Promise<void> => void (await ask(url, SCHEMA));

const none = async (): Promise<void> => undefined;

const newFile = (): string => join(folder, `${randomUUID()}.gz`);

async function olderAnswers(): Promise<boolean> {
  return ask(OLDER, 'select').then(
    () => true,
    () => false,
  );
}

test.for(['18 to 18', '15 to 18', '18 to 15'])('everything arrives as it was, PostgreSQL %s', async (way, { skip }) => {
  const [from, to] = way.split(' to ').map((version) => (version === '15' ? OLDER : inject('postgresUrl')));
  const left = way.includes('15') && process.env.REQUIRE_SERVICES !== '1' && !(await olderAnswers());
  if (left) skip('no PostgreSQL 15 answers (POSTGRES_15_URL)');
  const [source, target, file] = [await newDatabase(from!, SCHEMA + DATA), await newDatabase(to!), newFile()];

  const exported = await exportTo(source, file);
  const imported = await importFrom(target, file, migrate(target));

  expect(imported.tables).toEqual(exported.tables);
  expect(Object.fromEntries([...imported.tables].map(([name, { rows }]) => [name, rows]))).toEqual({
    'shop."Order"': 1000,
    'shop.customer': 5002,
    'shop.event': 3000,
    'shop.setting': 1,
  });
  const everything = 'select to_jsonb(c) as row from shop.customer c order by id';
  expect(await ask(target, everything)).toEqual(await ask(source, everything));
  // Sequences go on, rules are back in force, partitions are there.
  expect(await ask(target, `insert into shop.customer (name) values ('next') returning id`)).toEqual([{ id: 5003 }]);
  await expect(ask(target, 'insert into shop."Order" (customer) values (1)')).rejects.toThrow('fired');
  await expect(ask(target, 'update shop.customer set friend = 99999 where id = 1')).rejects.toThrow('violates foreign key');
  expect(await ask(target, 'select count(*)::int as n from shop.event_later')).toEqual(
    await ask(source, 'select count(*)::int as n from shop.event_later'),
  );
  expect(await ask(target, `select to_regclass('public.fondasi_import_unfinished') as mark`)).toEqual([{ mark: null }]);
});

test('a target that has tables is refused and left alone', async () => {
  const [source, target, file] = [
    await newDatabase(inject('postgresUrl'), SCHEMA),
    await newDatabase(inject('postgresUrl'), 'create table mine (a int); insert into mine values (1)'),
    newFile(),
  ];
  await exportTo(source, file);
  await expect(importFrom(target, file, migrate(target))).rejects.toThrow(/not empty.*public\.mine/);
  expect(await ask(target, 'select a from mine')).toEqual([{ a: 1 }]);
});

test('data that was made with another key is refused before anything is written', async () => {
  const source = await newDatabase(inject('postgresUrl'), SCHEMA);
  const target = await newDatabase(inject('postgresUrl'));
  const file = join(folder, `${randomUUID()}.gz`);
  await exportTo(source, file, 'the old key');
  for (const key of ['a new key', undefined])
    await expect(importFrom(target, file, migrate(target), key)).rejects.toThrow(
      /made with another SECRET_KEY: copy secret\.key/,
    );
  expect(await ask(target, "select 1 from pg_namespace where nspname = 'shop'")).toEqual([]);
  await importFrom(target, file, migrate(target), 'the old key');
});

test('a changed or shortened file leaves nothing behind, and the right one can be imported after it', async () => {
  const [source, target, file] = [
    await newDatabase(inject('postgresUrl'), SCHEMA + DATA),
    await newDatabase(inject('postgresUrl')),
    newFile(),
  ];
  const exported = await exportTo(source, file);
  const text = gunzipSync(await readFile(file)).toString();

  const changed = newFile();
  await writeFile(changed, gzipSync(text.replace('\te1\n', '\te0\n')));
  await expect(importFrom(target, changed, migrate(target))).rejects.toThrow(/shop.event did not arrive as it was/);
  // From here on the schema stands, from the first try.

  const short = newFile();
  await writeFile(short, gzipSync(text.slice(0, text.length / 2)));
  await expect(importFrom(target, short, none)).rejects.toThrow(StartError);
  const cut = newFile();
  const bytes = await readFile(file);
  await writeFile(cut, bytes.subarray(0, bytes.length / 2));
  await expect(importFrom(target, cut, none)).rejects.toThrow(/damaged or not complete/);
  expect(await ask(target, 'select count(*)::int as n from shop.customer')).toEqual([{ n: 0 }]);

  expect((await importFrom(target, file, none)).tables).toEqual(exported.tables);
});

test('a target whose migrations are others than the source had seen is refused', async () => {
  const [source, target, file] = [
    await newDatabase(inject('postgresUrl'), SCHEMA),
    await newDatabase(inject('postgresUrl')),
    newFile(),
  ];
  await exportTo(source, file);
  const newer = async (): Promise<void> => void (await ask(target, `${SCHEMA} create index on shop.setting (value)`));
  await expect(importFrom(target, file, newer)).rejects.toThrow(/another schema.*setting_value_idx/);
});

test('an export is one snapshot while others write', async () => {
  const source = await newDatabase(
    inject('postgresUrl'),
    `create table a (n int); create table z (n int); insert into a select generate_series(1, 200000)`,
  );
  const file = newFile();
  const over = new AbortController();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const writer = (async () => {
    const client = new Client({ connectionString: source });
    await client.connect();
    while (!over.signal.aborted) {
      await client.query('with x as (insert into a values (0) returning n) insert into z select n from x');
      begin();
    }
    await client.end();
  })();
  await begun;
  const { tables } = await exportTo(source, file);
  over.abort();
  await writer;
  expect(tables.get('public.z')!.rows).toBeGreaterThan(0);
  // Every write put one row into both tables; the one exported last has no more of them than the first.
  expect(tables.get('public.a')!.rows - 200_000).toBe(tables.get('public.z')!.rows);
});

test('a user who is no superuser imports into tables of other owners, whose rights it may take on', async () => {
  const server = inject('postgresUrl');
  const suffix = randomUUID().slice(0, 8);
  const [plain, owner] = [`"plain_${suffix}"`, `"owner_${suffix}"`];
  const [source, target, file] = [await newDatabase(server, SCHEMA + DATA), await newDatabase(server), newFile()];
  const name = new URL(target).pathname.slice(1);
  await ask(
    server,
    `create role ${plain} login password 'plain'; create role ${owner}; grant ${owner} to ${plain} with inherit false, set true;
     alter database ${name} owner to ${plain}`,
  );
  const asPlain = new URL(target);
  [asPlain.username, asPlain.password] = [`plain_${suffix}`, 'plain'];
  const migrateAsOwner = async (): Promise<void> =>
    void (await ask(
      target,
      `create schema shop authorization ${owner}; set role ${owner}; ${SCHEMA.replace('create schema shop;', '')}`,
    ));

  const exported = await exportTo(source, file);
  // What it may read, as a member of the owner that inherits nothing.
  const grant = async (): Promise<void> =>
    void (await migrateAsOwner(),
    await ask(target, `grant usage on schema shop to ${plain}; grant select on all tables in schema shop to ${plain}`));
  const imported = await importFrom(asPlain.href, file, grant);

  expect(imported.tables).toEqual(exported.tables);
  expect(await ask(target, `select distinct tableowner from pg_tables where schemaname = 'shop'`)).toEqual([
    { tableowner: `owner_${suffix}` },
  ]);
  roles.push(plain, owner);
});
