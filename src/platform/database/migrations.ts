import { setTimeout as delay } from 'node:timers/promises';
import { Client, escapeIdentifier } from 'pg';
import { installEnqueueFunctions, installGraphileWorker, jobsSchema } from '#platform/jobs/jobs-schema';
import { majorVersion } from './connection.ts';
import { DatabaseRefused, sqlState } from './errors.ts';
import { pendingMigrations, platformMigrations, readMigrations } from './migration-files.ts';
import type { AppliedMigration, MigrationFile, ModuleSchema } from './migration-files.ts';
import { directUrlOf, roleSuffixOf } from './options.ts';
import type { DatabaseOptions } from './options.ts';
import { closeDatabase, ensureModules, quotedRoles } from './roles.ts';
import type { ModuleRoles } from './roles.ts';

export type { ModuleSchema } from './migration-files.ts';

export interface MigrateOptions {
  database: DatabaseOptions;
  modules: readonly ModuleSchema[];
  /** 'verify' changes nothing and refuses a database on which something is still to be applied. Default 'apply'. */
  mode?: 'apply' | 'verify' | undefined;
  /** How long to wait for another process that migrates, in milliseconds. Default 5 minutes. */
  patience?: number | undefined;
  /** Told of each applied migration ('chat 0001_rooms'). */
  onApplied?: ((migration: string) => void) | undefined;
}

/** One database that is being migrated, on a session of the user that may. */
interface MigrationSession {
  client: Client;
  url: string;
  database: string;
  user: string;
  superuser: boolean;
  major: number;
  suffix: string;
  options: DatabaseOptions;
  modules: readonly ModuleSchema[];
}

/**
 * Brings the schemas and roles of all modules up to date, on every database that they live in. Safe when several
 * processes start at once: one works, the others wait and find it done. Returns what was applied.
 */
export async function migrateAll(options: MigrateOptions): Promise<string[]> {
  for (const { name } of options.modules) refuseBadName(name);
  const byUrl = Map.groupBy(options.modules, ({ name }) => directUrlOf(options.database, name));
  const applied: string[] = [];
  for (const [url, modules] of byUrl) {
    await withSession(url, options.database, modules, async (session) => {
      if (options.mode === 'verify') return verify(session);
      await withLock(session, options.patience ?? 300_000, async () => {
        applied.push(...(await migrateDatabase(session, options.onApplied)));
      });
    });
  }
  return applied;
}

function refuseBadName(name: string): void {
  if (!/^[a-z][a-z0-9]{0,29}$/.test(name) || ['public', 'jobs', 'platform'].includes(name)) {
    throw new DatabaseRefused(
      `"${name}" can't be a module's name: 1 to 30 lower-case letters or digits, none of PostgreSQL's own.`,
    );
  }
}

async function withSession<R>(
  url: string,
  options: DatabaseOptions,
  modules: readonly ModuleSchema[],
  work: (session: MigrationSession) => Promise<R>,
): Promise<R> {
  const client = new Client({ connectionString: url, application_name: 'fondasi migrate', connectionTimeoutMillis: 10_000 });
  client.on('error', () => undefined); // the query that is running fails with it
  await client.connect();
  try {
    const { rows } = await client.query<{ version: string; database: string; user: string; superuser: boolean }>(
      `select current_setting('server_version') as version, current_database() as database, current_user as user,
              (select rolsuper from pg_roles where rolname = current_user) as superuser`,
    );
    const { version, ...found } = rows[0]!;
    const major = majorVersion(version);
    return await work({ client, url, ...found, major, suffix: roleSuffixOf(options, url), options, modules });
  } finally {
    await client.end();
  }
}

/**
 * Polls for the lock instead of waiting in it: a session that waits holds a snapshot, and `create index concurrently`
 * in the session that has the lock would wait for that one in turn, for ever.
 */
async function withLock(session: MigrationSession, patience: number, work: () => Promise<void>): Promise<void> {
  const lock = "('x' || substr(md5('fondasi migrations'), 1, 16))::bit(64)::bigint";
  for (const started = Date.now(); ;) {
    const { rows } = await session.client.query<{ got: boolean }>(`select pg_try_advisory_lock(${lock}) as got`);
    if (rows[0]!.got) break;
    if (Date.now() - started > patience) {
      throw new DatabaseRefused(
        `Another process has been migrating "${session.database}" for ${patience / 1000} s: look at what it waits for.`,
      );
    }
    await delay(100);
  }
  try {
    await work();
  } finally {
    await session.client.query(`select pg_advisory_unlock(${lock})`).catch(() => undefined);
  }
}

async function migrateDatabase(session: MigrationSession, onApplied?: (migration: string) => void): Promise<string[]> {
  const { client, options } = session;
  const names = [...session.modules.map(({ name }) => name), jobsSchema.name];
  if (options.roles !== 'off') await closeDatabase(client, session.database);
  await ensureModules(client, options, names, session);
  await installGraphileWorker(session);
  const applied: string[] = [];
  for (const { name, files } of await schemasOf(session)) {
    const roles = quotedRoles(options, name, session.suffix, session.user);
    await ensureMigrationTable(session, name, roles);
    for (const file of pendingMigrations(name, files, await appliedMigrations(client, name))) {
      await apply(session, name, roles, file);
      applied.push(`${name} ${file.name}`);
      onApplied?.(`${name} ${file.name}`);
    }
  }
  await installEnqueueFunctions(
    session,
    session.modules.map(({ name }) => name),
  );
  return applied;
}

/** The schemas of a database with their migrations: that of the jobs; in each module's the platform's tables, then its own. */
async function schemasOf({ modules }: MigrationSession): Promise<{ name: string; files: MigrationFile[] }[]> {
  const platform = await readMigrations(platformMigrations, 'platform');
  return Promise.all([
    readMigrations(jobsSchema.migrations, 'module').then((files) => ({ name: jobsSchema.name, files })),
    ...modules.map(async ({ name, migrations }) => ({
      name,
      files: [...platform, ...(await readMigrations(migrations, 'module'))],
    })),
  ]);
}

async function verify(session: MigrationSession): Promise<void> {
  for (const { name, files } of await schemasOf(session)) {
    const { rows } = await session.client.query('select 1 where to_regclass($1) is not null', [
      `${escapeIdentifier(name)}.migration`,
    ]);
    const applied = rows.length > 0 ? await appliedMigrations(session.client, name) : [];
    const pending = pendingMigrations(name, files, applied);
    if (pending.length > 0) {
      throw new DatabaseRefused(`The schema "${name}" lacks the migration ${pending[0]!.name}: run \`fondasi migrate\` first.`);
    }
  }
}

async function ensureMigrationTable({ client, options }: MigrationSession, module: string, roles: ModuleRoles): Promise<void> {
  const table = `${escapeIdentifier(module)}.migration`;
  const { rows } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [table]);
  if (rows[0]!.found) return;
  await client.query(`
    begin;
    set local role ${roles.owner};
    create table ${table} (
      track text not null, number int not null, name text not null, checksum text not null,
      breaking boolean not null, applied_at timestamptz not null default now(), primary key (track, number)
    );
    ${options.roles === 'off' ? '' : `revoke insert, update, delete on ${table} from ${roles.runtime};`}
    commit;
  `);
}

async function appliedMigrations(client: Client, module: string): Promise<AppliedMigration[]> {
  const { rows } = await client.query<AppliedMigration>(
    `select track, number, name, checksum, breaking from ${escapeIdentifier(module)}.migration order by track, number`,
  );
  return rows;
}

/** A lock that isn't free within two seconds is given up and tried again, so that the queries behind it get their turn. */
const lockTimeout = '2s';
const attempts = 30;

async function apply({ client }: MigrationSession, module: string, roles: ModuleRoles, file: MigrationFile): Promise<void> {
  const local = file.transaction ? 'local' : 'session';
  // Only functions of the platform's SQL need the runtime role by name, to take a right away from it.
  const text = file.text.replaceAll('{{runtime}}', roles.runtime);
  for (let attempt = 1; ; attempt++) {
    try {
      if (file.transaction) await client.query('begin');
      await client.query(`
        set ${local} role ${roles.owner};
        set ${local} search_path = ${escapeIdentifier(module)};
        set ${local} statement_timeout = 0;
        set ${local} lock_timeout = '${file.transaction ? lockTimeout : '0'}';
      `);
      await client.query(text);
      await client.query(
        `insert into ${escapeIdentifier(module)}.migration (track, number, name, checksum, breaking) values ($1, $2, $3, $4, $5)`,
        [file.track, file.number, file.name, file.checksum, file.breaking],
      );
      if (file.transaction) await client.query('commit');
      else await client.query('reset role; reset search_path; reset statement_timeout; reset lock_timeout');
      return;
    } catch (error) {
      await client
        .query(file.transaction ? 'rollback' : 'reset role; reset search_path; reset lock_timeout')
        .catch(() => undefined);
      const passing = ['55P03', '40P01'].includes(sqlState(error) ?? '');
      if (!passing || attempt === attempts) {
        throw new DatabaseRefused(`The migration ${file.name} of "${module}" failed: ${(error as Error).message}`, {
          cause: error,
        });
      }
      await delay(100 + Math.random() * Math.min(2_000, attempt * 200));
    }
  }
}
