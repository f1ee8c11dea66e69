import { afterEach, describe, expect, test, vi } from 'vitest';
import { freshDatabase, moduleWith, runOn } from '../../../test/support/database.ts';
import type { FreshDatabase } from '../../../test/support/database.ts';
import type { Connection } from './connection.ts';
import { Databases } from './databases.ts';
import { DatabaseBusy, DatabaseUnavailable } from './errors.ts';
import type { DatabaseOptions } from './options.ts';
import type { Pool } from './pool.ts';

let fresh: FreshDatabase;
afterEach(() => fresh.drop());

const modules = await Promise.all(['alpha', 'beta', 'gamma'].map((name) => moduleWith(name, {})));
async function pools(options: Partial<DatabaseOptions>): Promise<[Pool, Pool, Pool]> {
  fresh = await freshDatabase(modules, options);
  return modules.map(({ name }) => fresh.databases.of(name).pool) as [Pool, Pool, Pool];
}
const take = (pool: Pool, count: number): Promise<Connection[]> =>
  Promise.all(Array.from({ length: count }, () => pool.acquire()));
const give = (pool: Pool, lent: Connection[]): void => lent.forEach((connection) => pool.release(connection));
const pidOf = async (pool: Pool): Promise<number> => {
  const [connection] = await take(pool, 1);
  try {
    const { rows } = await connection!.query<{ pid: number }>({ text: 'select pg_backend_pid() as pid' });
    return rows[0]!.pid;
  } finally {
    pool.release(connection!);
  }
};

describe('the connection budget', () => {
  test('lets a busy module use what the others leave', async () => {
    const [alpha, beta] = await pools({ connections: 4 });
    give(alpha, await take(alpha, 4));
    expect(fresh.databases.figures()).toMatchObject({ open: 4, modules: { alpha: { open: 4, idle: 4 } } });
    const lent = await take(beta, 3);
    expect(fresh.databases.figures()).toMatchObject({ open: 4, modules: { alpha: { open: 1 }, beta: { open: 3 } } });
    give(beta, lent);
  });

  test('says that it is busy after the wait, and goes on afterwards', async () => {
    const [alpha, beta] = await pools({ connections: 2, acquireTimeout: 150 });
    const lent = await take(alpha, 2);
    await expect(beta.acquire()).rejects.toThrow(DatabaseBusy);
    await expect(alpha.acquire()).rejects.toThrow('All 2 database connections of this process were in use for 150 ms.');
    give(alpha, lent);
    expect(await pidOf(beta)).toBeGreaterThan(0);
  });

  test('gives a waiting module its share while another stays busy', async () => {
    const [alpha, beta] = await pools({ connections: 4 });
    const lent = await take(alpha, 4);
    const more = [alpha.acquire(), alpha.acquire()];
    const wanted = take(beta, 2);
    give(alpha, lent);
    const got = await wanted;
    expect(got).toHaveLength(2);
    for (const connection of await Promise.all(more)) alpha.release(connection);
    give(beta, got);
  });

  test('serves three busy modules evenly, without connections going back and forth', async () => {
    const all = await pools({ connections: 6, acquireTimeout: 10_000 });
    const done = [0, 0, 0];
    const pids = all.map(() => new Set<number>());
    const until = Date.now() + 1_500;
    const work = async (index: number): Promise<void> => {
      const pool = all[index]!;
      while (Date.now() < until) {
        const connection = await pool.acquire();
        const { rows } = await connection.query<{ pid: number }>({ text: 'select pg_backend_pid() as pid' });
        pids[index]!.add(rows[0]!.pid);
        done[index]!++;
        pool.release(connection);
      }
    };
    await Promise.all([0, 1, 2].flatMap((index) => Array.from({ length: 20 }, () => work(index))));
    expect(Math.min(...done)).toBeGreaterThan(Math.max(...done) / 3);
    expect(pids.reduce((sum, set) => sum + set.size, 0)).toBeLessThan(40); // thousands of queries ran
    expect(fresh.databases.figures().open).toBeLessThanOrEqual(6);
  });

  test('leaves connections where they are when modules are busy by turns', async () => {
    const [alpha, beta] = await pools({ connections: 4 });
    const pids = new Set<number>();
    const turns = [alpha, beta];
    for (let turn = 0; turn < 40; turn++) {
      const pool = turns[turn % 2]!;
      for (const pid of await Promise.all(Array.from({ length: 8 }, () => pidOf(pool)))) pids.add(pid);
    }
    expect(pids.size).toBeLessThan(12); // 320 queries ran, on shares of two
  });
});

describe('a connection', () => {
  test('that the server ended is replaced', async () => {
    const [alpha] = await pools({ connections: 3 });
    give(alpha, await take(alpha, 3));
    await runOn(
      fresh.url,
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid != pg_backend_pid()`,
    );
    await vi.waitUntil(() => fresh.databases.figures().open === 0);
    for (let round = 0; round < 3; round++) expect(await pidOf(alpha)).toBeGreaterThan(0);
  });

  test('that dies under a statement fails that statement only', async () => {
    const [alpha] = await pools({ connections: 1 });
    const [connection] = await take(alpha, 1);
    const sleeping = connection!.query({ text: 'select pg_sleep(30)' });
    const isActive = `select 1 from pg_stat_activity where query like 'select pg_sleep%' and datname = current_database()`;
    await vi.waitUntil(() =>
      runOn(fresh.url, `do $$ begin if not exists (${isActive}) then raise 'not yet'; end if; end $$`).then(
        () => true,
        () => false,
      ),
    );
    const failure = sleeping.catch((error: Error) => error.message);
    await runOn(
      fresh.url,
      `select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep%' and datname = current_database()`,
    );
    expect(await failure).toMatch(/terminating connection/);
    alpha.release(connection!);
    expect(await pidOf(alpha)).toBeGreaterThan(0);
    expect(fresh.databases.figures().open).toBe(1);
  });

  test('that comes back inside a transaction is never lent again', async () => {
    const [alpha] = await pools({ connections: 1 });
    const [connection] = await take(alpha, 1);
    await connection!.query({ text: 'begin' });
    alpha.release(connection!);
    const [next] = await take(alpha, 1);
    expect(next).not.toBe(connection);
    expect(next!.inTransaction).toBe(false);
    alpha.release(next!);
  });

  test('that nobody uses is closed after a while', async () => {
    const [alpha] = await pools({ connections: 3, idleTimeout: 100 });
    give(alpha, await take(alpha, 3));
    expect(fresh.databases.figures().open).toBe(3);
    await vi.waitUntil(() => fresh.databases.figures().open === 0, { timeout: 5_000 });
  });
});

test('a server that is not there is said to be, after a short wait for it', async () => {
  await pools({});
  const databases = new Databases({ ...fresh.options, url: 'postgres://nobody@127.0.0.1:1/nothing', acquireTimeout: 200 });
  await expect(databases.of('alpha').pool.acquire()).rejects.toThrow(DatabaseUnavailable);
  await expect(databases.ping()).rejects.toThrow('ECONNREFUSED');
  await databases.close();
});

test('closing cuts what does not come back in time', async () => {
  const [alpha] = await pools({ connections: 2 });
  const [connection] = await take(alpha, 1);
  const failure = connection!.query({ text: 'select pg_sleep(30)' }).catch((error: Error) => error.message);
  await alpha.close(100);
  expect(await failure).toMatch(/terminated/);
  expect(fresh.databases.figures().open).toBe(0);
});

test('closing waits for what is lent, and refuses what comes after', async () => {
  const [alpha] = await pools({ connections: 2 });
  const [connection] = await take(alpha, 1);
  let closed = false;
  const closing = alpha.close().then(() => (closed = true));
  await expect(Promise.resolve(alpha.acquire())).rejects.toThrow(/the process is stopping/);
  expect(closed).toBe(false);
  alpha.release(connection!);
  await closing;
  expect(fresh.databases.figures().open).toBe(0);
});
