import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { jobsSchema } from '#platform/jobs/jobs-schema';
import { Databases } from '#platform/database/databases';
import { platformMigrations, readMigrations } from '#platform/database/migration-files';
import { migrateAll } from '#platform/database/migrations';
import type { ModuleSchema } from '#platform/database/migrations';
import { roleSuffixOf, runtimeRole, withDatabase } from '#platform/database/options';
import type { DatabaseOptions } from '#platform/database/options';
import { inject } from 'vitest';

export interface FreshDatabase {
  /** The database, as the user that may do everything in it. */
  url: string;
  /** How the platform reaches it. */
  options: DatabaseOptions;
  databases: Databases;
  /** Closes the connections and drops the database. */
  drop(): Promise<void>;
}

/** A new database with the modules' schemas, cloned from a template that is migrated once. */
export async function freshDatabase(
  modules: readonly ModuleSchema[],
  overrides: Partial<DatabaseOptions> = {},
  server: string = inject('postgresUrl'),
): Promise<FreshDatabase> {
  const admin = new Client({ connectionString: server });
  await admin.connect();
  try {
    const template = await templateOf(admin, server, modules, overrides.roles ?? 'on');
    const name = `fondasi_test_${randomBytes(6).toString('hex')}`;
    // WAL_LOG copies a small database without the two checkpoints that FILE_COPY waits for.
    await admin.query(`create database ${escapeIdentifier(name)} template ${escapeIdentifier(template.name)} strategy wal_log`);
    const roles = [...modules, jobsSchema].map(({ name: module }) => escapeIdentifier(runtimeRole(module, template.roleSuffix)));
    if (overrides.roles !== 'off') {
      await admin.query(`revoke all on database ${name} from public; grant connect on database ${name} to ${roles.join(', ')}`);
    }
    const url = withDatabase(server, name);
    const options: DatabaseOptions = { url, secret, roleSuffix: template.roleSuffix, ...overrides };
    const databases = new Databases(options);
    return {
      url,
      options,
      databases,
      drop: async () => {
        await databases.close();
        await runOn(server, `drop database ${name} with (force)`);
      },
    };
  } finally {
    await admin.end();
  }
}

/** An empty database without schemas; `drop` also drops the roles that a migration made for it. */
export async function emptyDatabase(server: string = inject('postgresUrl')): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `fondasi_test_${randomBytes(6).toString('hex')}`;
  await runOn(server, `create database ${name}`);
  const url = withDatabase(server, name);
  const roles = `%\\_${roleSuffixOf({}, url)}`;
  return {
    url,
    drop: async () => {
      await runOn(server, `drop database ${name} with (force)`);
      await runOn(
        server,
        `do $$ declare r text; begin
           for r in select rolname from pg_roles where rolname like '${roles}' loop execute format('drop role %I', r); end loop;
         end $$`,
      );
    },
  };
}

export const secret = 'the secret that tests derive passwords from';

/** Runs statements as the administrator of `url`. */
export async function runOn(url: string, statements: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statements);
  } finally {
    await client.end();
  }
}

/** The rows that a query gives to the administrator of `url`. */
export async function rowsOf<R extends object>(url: string, query: string, values: unknown[] = []): Promise<R[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(query, values)).rows;
  } finally {
    await client.end();
  }
}

/** The template for these modules in their present state; its name is the hash of all that goes into it. */
async function templateOf(admin: Client, server: string, modules: readonly ModuleSchema[], roles: 'on' | 'off') {
  const hash = createHash('sha256').update(roles);
  for (const source of ['database/roles.ts', 'database/migrations.ts', 'database/options.ts', 'jobs/jobs-schema.ts']) {
    hash.update(await readFile(join(import.meta.dirname, '../../src/platform', source)));
  }
  for (const file of await readMigrations(platformMigrations, 'platform')) hash.update(file.checksum);
  for (const { name, migrations } of [...modules, jobsSchema]) {
    hash.update(name);
    for (const file of await readMigrations(migrations, 'module')) hash.update(file.checksum);
  }
  const roleSuffix = hash.digest('hex').slice(0, 10);
  const name = `fondasi_template_${roleSuffix}`;
  await admin.query('select pg_advisory_lock(hashtext($1))', [name]);
  try {
    const { rows } = await admin.query<{ ready: boolean }>(
      `select shobj_description(oid, 'pg_database') = 'ready' as ready from pg_database where datname = $1`,
      [name],
    );
    if (!rows[0]?.ready) {
      if (rows.length > 0) await admin.query(`drop database ${name} with (force)`);
      await admin.query(`create database ${name}`);
      await migrateAll({ database: { url: withDatabase(server, name), secret, roleSuffix, roles }, modules });
      await admin.query(`comment on database ${name} is ${escapeLiteral('ready')}`);
    }
  } finally {
    await admin.query('select pg_advisory_unlock(hashtext($1))', [name]);
  }
  return { name, roleSuffix };
}

/** A module whose migrations are these files, in a folder that the operating system cleans up. */
export async function moduleWith(name: string, files: Readonly<Record<string, string>>): Promise<ModuleSchema> {
  const migrations = await mkdtemp(join(tmpdir(), `${name}-migrations-`));
  await Promise.all(Object.entries(files).map(([file, text]) => writeFile(join(migrations, file), text)));
  return { name, migrations };
}
