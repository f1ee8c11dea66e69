import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emptyDatabase, freshDatabase, moduleWith, runOn, secret } from '../../../test/support/database.ts';
import type { FreshDatabase } from '../../../test/support/database.ts';
import { onEveryServer } from '../../../test/support/servers.ts';
import { Databases } from './databases.ts';
import { migrateAll } from './migrations.ts';
import { scramVerifierOf } from './roles.ts';
import { databaseNameOf, ownerRole, passwordOf, runtimeLogin, runtimeRole, withDatabase } from './options.ts';

const alpha = await moduleWith('alpha', {
  '0001_secret.sql': `
    create table secret (id int primary key, text text);
    create table ledger (id int primary key);
    revoke update, delete on ledger from {{runtime}};
    create function twice(n int) returns int language sql return n * 2;
    create sequence number;`,
});
const beta = await moduleWith('beta', {});

await onEveryServer((server) => {
  let fresh: FreshDatabase;
  beforeAll(async () => void (fresh = await freshDatabase([alpha, beta], {}, server)));
  afterAll(() => fresh.drop());

  async function run(module: string, text: string): Promise<unknown[]> {
    const { pool } = fresh.databases.of(module);
    const connection = await pool.acquire();
    try {
      return (await connection.query({ text })).rows;
    } finally {
      pool.release(connection);
    }
  }

  describe('a runtime role', () => {
    test('works with what is its own', async () => {
      await run('alpha', `insert into alpha.secret values (1, 'x')`);
      await run('alpha', 'insert into alpha.ledger values (1)');
      expect(await run('alpha', 'select alpha.twice(21), nextval($$alpha.number$$), text from alpha.secret')).toEqual([
        { twice: 42, nextval: '1', text: 'x' },
      ]);
    });

    test.each([
      ["read a neighbour's table", 'beta', 'select * from alpha.secret'],
      ["write a neighbour's table", 'beta', 'insert into alpha.secret values (2)'],
      ["call a neighbour's function", 'beta', 'select alpha.twice(1)'],
      ["use a neighbour's sequence", 'beta', `select nextval('alpha.number')`],
      ["read a neighbour's idempotency keys", 'beta', 'select * from alpha.idempotency'],
      ['create a table in its schema', 'alpha', 'create table alpha.mine (id int)'],
      ['create a table in public', 'alpha', 'create table public.mine (id int)'],
      ['create a temporary table', 'alpha', 'create temporary table mine (id int)'],
      ['create a schema', 'alpha', 'create schema mine'],
      ['create a role', 'alpha', 'create role mine'],
      ['change a table', 'alpha', 'alter table alpha.secret add column more text'],
      ['drop a table', 'alpha', 'drop table alpha.secret'],
      ['truncate a table', 'alpha', 'truncate alpha.secret'],
      ['rewrite what a migration took away', 'alpha', 'update alpha.ledger set id = 2'],
      ['rewrite the history of migrations', 'alpha', 'delete from alpha.migration'],
      ['become its owner', 'alpha', () => `set role "${ownerRole('alpha', fresh.options.roleSuffix!)}"`],
      ['become its neighbour', 'beta', () => `set role "${runtimeRole('alpha', fresh.options.roleSuffix!)}"`],
      ['read passwords', 'alpha', 'select rolpassword from pg_authid'],
      ['read files of the server', 'alpha', `select pg_read_file('/etc/passwd')`],
      ['run programs on the server', 'alpha', `copy (select 1) to program 'true'`],
    ])("can't %s", async (_what, module, statement) => {
      await expect(run(module, typeof statement === 'string' ? statement : statement())).rejects.toThrow(
        /permission denied|must be owner|must be superuser/,
      );
    });

    test('logs in as itself, and is bounded in time', async () => {
      const login = runtimeLogin(fresh.options, 'alpha');
      expect(await run('alpha', 'select current_setting($$statement_timeout$$) as t, current_user as u')).toEqual([
        { t: '30s', u: login.user },
      ]);
    });

    test("can't enter another database of the platform on the same server", async () => {
      const other = await freshDatabase([alpha], {}, server);
      const stranger = await emptyDatabase(server);
      await migrateAll({ database: { url: stranger.url, secret }, modules: [beta] });
      const client = new Client({ ...runtimeLogin(fresh.options, 'beta'), database: databaseNameOf(stranger.url) });
      await expect(client.connect()).rejects.toThrow(/permission denied for database/);
      await other.drop();
      await stranger.drop();
    });
  });

  test('two databases on one server have roles of their own', async () => {
    const [one, two] = await Promise.all([emptyDatabase(server), emptyDatabase(server)]);
    const [first, second] = [one, two].map(({ url }) => runtimeLogin({ url, secret }, 'alpha').user);
    expect(first).not.toBe(second);
    await Promise.all([one, two].map(({ url }) => migrateAll({ database: { url, secret }, modules: [alpha, beta] })));
    await one.drop();
    await two.drop();
  });

  test('a renamed database says what it needs, and goes on with it', async () => {
    const first = await emptyDatabase(server);
    await migrateAll({ database: { url: first.url, secret }, modules: [alpha] });
    const former = databaseNameOf(first.url);
    const renamed = withDatabase(first.url, `${former}_renamed`);
    await runOn(server, `alter database ${former} rename to ${former}_renamed`);
    const refused = await migrateAll({ database: { url: renamed, secret }, modules: [alpha] }).catch(
      (error: Error) => error.message,
    );
    const roleSuffix = /set DATABASE_ROLE_SUFFIX=(\w+),/.exec(String(refused))?.[1];
    expect(roleSuffix, String(refused)).toMatch(/^[0-9a-f]{8}$/);
    const options = { url: renamed, secret, roleSuffix };
    expect(await migrateAll({ database: options, modules: [alpha] })).toEqual([]);
    const databases = new Databases(options);
    const { pool } = databases.of('alpha');
    expect((await pool.run({ text: 'select count(*)::int as rows from alpha.secret' })).rows).toEqual([{ rows: 0 }]);
    await databases.close();
    await runOn(server, `alter database ${former}_renamed rename to ${former}`);
    await first.drop();
  });

  test('another SECRET_KEY is refused before it changes the passwords under a platform that runs', async () => {
    const other = { ...fresh.options, secret: 'another secret' };
    await expect(migrateAll({ database: other, modules: [alpha, beta] })).rejects.toThrow('made with another SECRET_KEY');
    expect(await run('alpha', 'select alpha.twice(1)')).toEqual([{ twice: 2 }]);
  });

  test('passwords are derived and stored as the server itself would store them', async () => {
    const client = new Client({ connectionString: fresh.url });
    await client.connect();
    const role = runtimeRole('alpha', fresh.options.roleSuffix!);
    const stored = async (name: string) =>
      (await client.query<{ rolpassword: string }>('select rolpassword from pg_authid where rolname = $1', [name])).rows[0]!
        .rolpassword;
    expect(await stored(role)).toMatch(/^SCRAM-SHA-256\$4096:/);
    expect(await stored(role)).not.toContain(passwordOf(secret, role));
    expect(passwordOf(secret, role)).not.toBe(passwordOf('another secret', role));
    await client.query(`begin; set local password_encryption = 'scram-sha-256'; create role by_the_server password 'p@ss'`);
    const verifier = await stored('by_the_server');
    await client.query('rollback');
    await client.end();
    const [, iterations, salt] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$/.exec(verifier)!;
    expect(scramVerifierOf('p@ss', Buffer.from(salt!, 'base64'), Number(iterations))).toBe(verifier);
  });

  describe('a user that may create roles but is no superuser', () => {
    test('can migrate, and what it makes is as closed', async () => {
      const name = `fondasi_admin_${Math.random().toString(36).slice(2, 10)}`;
      await runOn(server, `create role ${name} login createrole createdb password 'a password'`);
      const own = await emptyDatabase(server);
      const database = databaseNameOf(own.url);
      await runOn(server, `alter database ${database} owner to ${name}`);
      const url = own.url.replace(/\/\/([^@/]*@)?/, `//${name}:a%20password@`);
      const options = { url, secret };
      await migrateAll({ database: options, modules: [alpha, beta] });
      await migrateAll({ database: options, modules: [alpha, beta] });
      const databases = new Databases(options);
      const pool = databases.of('beta').pool;
      const connection = await pool.acquire();
      await expect(connection.query({ text: 'select * from alpha.secret' })).rejects.toThrow(/permission denied/);
      pool.release(connection);
      await databases.close();
      await own.drop();
      await runOn(server, `drop role ${name}`);
    });
  });

  test('with roles off everything runs as one user, schemas still apart', async () => {
    const own = await freshDatabase([alpha, beta], { roles: 'off' }, server);
    const alphas = own.databases.of<{ 'alpha.secret': { id: number } }>('alpha');
    await alphas.kysely.insertInto('alpha.secret').values({ id: 1 }).execute();
    const client = new Client({ connectionString: own.url });
    await client.connect();
    const { rows } = await client.query(`select current_user = tableowner as same from pg_tables where schemaname = 'alpha'`);
    expect(rows.every(({ same }) => same)).toBe(true);
    await client.end();
    await own.drop();
  });
});
