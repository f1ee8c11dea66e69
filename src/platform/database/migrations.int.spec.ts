import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { emptyDatabase, moduleWith, runOn, secret } from '../../../test/support/database.ts';
import { onEveryServer } from '../../../test/support/servers.ts';
import { DatabaseRefused } from './errors.ts';
import { migrateAll } from './migrations.ts';
import type { ModuleSchema } from './migrations.ts';

const add = (module: ModuleSchema, name: string, sql: string) => writeFile(join(module.migrations, name), sql);

await onEveryServer((server) => {
  let empty: Awaited<ReturnType<typeof emptyDatabase>>;
  let chat: ModuleSchema;
  let admin: Client;
  const migrate = (mode?: 'verify') => migrateAll({ database: { url: empty.url, secret }, modules: [chat], mode });

  beforeEach(async () => {
    empty = await emptyDatabase(server);
    chat = await moduleWith('chat', { '0001_room.sql': 'create table room (id int primary key);' });
    admin = new Client({ connectionString: empty.url });
    await admin.connect();
  });
  afterEach(async () => {
    await admin.end();
    await empty.drop();
  });

  test('are applied once, in order, as the owner, in the schema of their module', async () => {
    await add(chat, '0002_member.sql', 'create table member (room_id int references room);');
    expect(await migrate()).toEqual(['jobs 0001_worker', 'chat 0001_idempotency', 'chat 0001_room', 'chat 0002_member']);
    expect(await migrate()).toEqual([]);
    await add(chat, '0003_more.sql', 'alter table room add column name text;');
    await expect(migrate('verify')).rejects.toThrow(
      'The schema "chat" lacks the migration 0003_more: run `fondasi migrate` first.',
    );
    expect(await migrate()).toEqual(['chat 0003_more']);
    await migrate('verify');
    const { rows } = await admin.query(
      `select tablename, tableowner like 'chat_owner_%' as owned from pg_tables where schemaname = 'chat' order by 1`,
    );
    expect(rows).toEqual(['idempotency', 'member', 'migration', 'room'].map((tablename) => ({ tablename, owned: true })));
  });

  test('that fail leave nothing, say which one it was, and go on after a repair', async () => {
    await add(chat, '0002_two.sql', 'create table half (id int); select nonsense;');
    await expect(migrate()).rejects.toThrow('The migration 0002_two of "chat" failed: column "nonsense" does not exist');
    expect((await admin.query(`select to_regclass('chat.half') as half`)).rows).toEqual([{ half: null }]);
    await add(chat, '0002_two.sql', 'create table half (id int);');
    expect(await migrate()).toEqual(['chat 0002_two']);
  });

  test('that were changed after they had been applied are refused', async () => {
    await migrate();
    await add(chat, '0001_room.sql', 'create table room (id bigint primary key);');
    await expect(migrate()).rejects.toThrow(DatabaseRefused);
    await expect(migrate('verify')).rejects.toThrow(/0001_room of "chat" was changed after it had been applied/);
  });

  test('run in one process when several start at once', async () => {
    await add(chat, '0002_slow.sql', 'select pg_sleep(0.3); create table once (id int);');
    await add(chat, '0003_index.sql', '-- no-transaction\ncreate index concurrently once_id on once (id);');
    const starts = await Promise.all([migrate(), migrate(), migrate(), migrate(), migrate()]);
    expect(starts.filter((applied) => applied.length > 0)).toHaveLength(1);
    expect((await admin.query(`select indisvalid from pg_index where indexrelid = 'chat.once_id'::regclass`)).rows).toEqual([
      { indisvalid: true },
    ]);
  });

  test('give up a lock that is not free, so that others get their turn, and try again', async () => {
    await migrate();
    await add(chat, '0002_alter.sql', 'alter table room add column name text;');
    await admin.query('begin; lock table chat.room in access share mode');
    const migrating = migrate();
    const reader = new Client({ connectionString: empty.url });
    await reader.connect();
    const waits = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'fondasi migrate' and datname = current_database()`;
    const until = async (there: boolean) => {
      while ((await reader.query(waits)).rows.length > 0 !== there);
    };
    await until(true);
    await until(false); // it let go, though the table is still taken
    await admin.query('commit');
    expect(await migrating).toEqual(['chat 0002_alter']);
    await reader.end();
  });

  describe('a process of an older version', () => {
    test('may go on beside a newer schema, but not beside a breaking migration', async () => {
      const newer = await moduleWith('chat', {
        '0001_room.sql': 'create table room (id int primary key);',
        '0002_add.sql': 'alter table room add column name text;',
      });
      const migrateNewer = () => migrateAll({ database: { url: empty.url, secret }, modules: [newer] });
      await migrateNewer();
      expect(await migrate()).toEqual([]);
      await add(newer, '0003_drop.sql', '-- breaking\nalter table room drop column id;');
      await migrateNewer();
      await expect(migrate()).rejects.toThrow(/breaking migration 0003_drop, which this version doesn't know/);
    });
  });

  test('of a module with a database of its own go there', async () => {
    const own = await emptyDatabase(server);
    const users = await moduleWith('users', { '0001_person.sql': 'create table person (id int);' });
    await migrateAll({ database: { url: empty.url, urls: { users: own.url }, secret }, modules: [chat, users] });
    expect((await admin.query(`select to_regclass('chat.room') as room, to_regnamespace('users') as users`)).rows).toEqual([
      { room: 'chat.room', users: null },
    ]);
    await runOn(own.url, 'select from users.person');
    await own.drop();
  });
});
