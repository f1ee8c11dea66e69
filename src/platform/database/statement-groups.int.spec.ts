import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { emptyDatabase, runOn } from '../../../test/support/database.ts';
import { Databases } from './databases.ts';
import type { Pool } from './pool.ts';
import { prepared } from './prepared.ts';

let database: Awaited<ReturnType<typeof emptyDatabase>>;
let databases: Databases;
let pool: Pool;

beforeAll(async () => {
  database = await emptyDatabase();
  databases = new Databases({ url: database.url, secret: '', roles: 'off', connections: 4 });
  pool = databases.of('test').pool;
});
afterAll(async () => {
  await databases.close();
  await database.drop();
});

const backendOf = (number: number) =>
  pool.runShared<{ number: number; backend: number }>({
    name: 'backend',
    text: 'select $1::int as number, pg_backend_pid() as backend',
    values: [number],
  });
const quotient = (by: number) => pool.runShared({ name: 'quotient', text: 'select 12 / $1::int as quotient', values: [by] });
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('statements of the same moment', () => {
  it('share connections, eight on each, and every one gets its own answer', async () => {
    const rows = (await Promise.all(numbers(20).map(backendOf))).map((result) => result.rows[0]!);
    expect(rows.map(({ number }) => number)).toEqual(numbers(20));
    // One on each connection would have opened all four.
    expect(new Set(rows.map(({ backend }) => backend)).size).toBeLessThanOrEqual(3);
    expect(pool.figures.open).toBeLessThanOrEqual(3);
  });

  it('go on when there are more of them than connections', async () => {
    const rows = (await Promise.all(numbers(200).map(backendOf))).map((result) => result.rows[0]!.number);
    expect(rows).toEqual(numbers(200));
    expect(pool.figures.open).toBeLessThanOrEqual(4);
  });

  it('fail one by one', async () => {
    const settled = await Promise.allSettled([3, 0, 4, 0, 6].map(quotient));
    expect(settled.map((each) => (each.status === 'fulfilled' ? each.value.rows[0]!.quotient : each.reason.code))).toEqual([
      4,
      '22012',
      3,
      '22012',
      2,
    ]);
    expect((await backendOf(1)).rows).toHaveLength(1);
  });

  it('all say what is wrong with a statement that none of them could prepare', async () => {
    const find = prepared<{ nowhere: { id: number } }, { id: number }, object>('test.nowhere', (db, p) =>
      db.selectFrom('nowhere').select('id').where('id', '=', p('id')),
    );
    const settled = await Promise.allSettled(
      numbers(3).map((id) => find(databases.of<{ nowhere: { id: number } }>('test'), { id })),
    );
    for (const each of settled) expect(each).toMatchObject({ status: 'rejected', reason: { code: '42P01' } });
  });

  it('do not wait behind one that waits for a lock', async () => {
    await runOn(
      database.url,
      'create schema test; create table test.counter (id int, value int); insert into test.counter values (1, 0)',
    );
    interface Tables {
      counter: { id: number; value: number };
    }
    const db = databases.of<Tables>('test');
    const lock = prepared<Tables, object, { value: number }>('test.lock-counter', (k) =>
      k.selectFrom('counter').select('value').where('id', '=', 1).forUpdate(),
    );
    const read = prepared<Tables, object, { value: number }>('test.read-counter', (k) => k.selectFrom('counter').select('value'));
    let locked: Promise<unknown> | undefined;
    await db.transaction(async (tx) => {
      await tx.updateTable('counter').set({ value: 1 }).execute();
      locked = lock.one(db, {});
      expect((await read.one(db, {})).value).toBe(0);
    });
    await expect(locked).resolves.toEqual({ value: 1 });
  });

  it('all fail when their connection is lost, and the next ones get another', async () => {
    const { backend } = (await backendOf(0)).rows[0]!;
    const lost = Promise.allSettled(numbers(3).map(() => pool.runShared({ text: 'select pg_sleep(30)' })));
    await runOn(
      database.url,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'fondasi' and datname = current_database()`,
    );
    for (const each of await lost) expect(each).toMatchObject({ status: 'rejected', reason: { name: 'DatabaseUnavailable' } });
    await vi.waitFor(() => expect(pool.figures.open).toBe(0));
    expect((await backendOf(1)).rows[0]!.backend).not.toBe(backend);
  });
});
